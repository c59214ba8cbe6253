"""Tokens, distributions, verification, draft lengths and statistics, without any model."""
