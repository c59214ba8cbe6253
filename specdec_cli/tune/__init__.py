"""``specdec tune``: a search for settings that are faster on this machine."""
