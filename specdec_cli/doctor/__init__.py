"""``specdec doctor``: what was found on this machine, and why a pair is slow."""
