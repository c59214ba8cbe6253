"""The options of all commands, and the sources that set them."""
