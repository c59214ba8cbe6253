"""``specdec run``: one prompt or many."""
