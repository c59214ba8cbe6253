"""``specdec chat``: conversations, their turns, files and the context they fit into."""
