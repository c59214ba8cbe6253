"""How an answer of a conversation is drawn while it is generated."""
