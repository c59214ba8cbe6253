"""The commands about pairs by name: list, show, new, edit, validate, rm, check, pull."""
