"""The built-in pair of models, which is always there."""
