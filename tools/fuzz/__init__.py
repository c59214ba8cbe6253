"""Damaged models against the program: mutants by the thousand, and what it made of them."""
