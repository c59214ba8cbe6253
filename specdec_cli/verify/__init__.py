"""``specdec verify``: whether the output is the target's own."""
