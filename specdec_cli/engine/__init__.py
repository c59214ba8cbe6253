"""Loads a pair and runs the speculative loop."""
