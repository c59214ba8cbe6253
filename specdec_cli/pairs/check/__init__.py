"""``specdec check``: whether two models fit together, by their headers."""
