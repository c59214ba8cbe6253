"""Measurements of specdec itself; see ``python -m tools.measure --help``."""
