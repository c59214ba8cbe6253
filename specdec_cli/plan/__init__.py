"""``specdec plan``: the memory of a pair, what goes where, and what speed to expect."""
