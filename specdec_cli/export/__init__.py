"""``specdec export``: the same pair for other servers."""
