"""Where the program starts: the list of commands, and the conversation at a terminal."""
