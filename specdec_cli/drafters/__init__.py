"""What proposes tokens; ``registry.py`` lists all of it."""
