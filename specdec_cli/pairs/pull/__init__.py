"""``specdec pull``: the models of a profile, downloaded."""
