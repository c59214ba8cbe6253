"""Terminal sequences that draw a footer below an answer and remove it."""

ERASE_BELOW = "\x1b[J"
"""From the cursor to the end of the screen."""
# Go down one row, scrolling if that is the last (IND), come back, and only then save the position:
# a position saved before scrolling would be off by a row.
TO_FOOTER = "\x1bD\x1b[A\x1b7\x1b[B\r"
BACK = "\x1b8"
ERASE_FOOTER = f"{TO_FOOTER}{ERASE_BELOW}{BACK}"
"""Erases the rows below the cursor's, whether there is a footer or not."""
