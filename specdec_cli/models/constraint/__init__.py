"""Answers kept to a grammar or a JSON schema: which tokens may come next, along any path.

A mask comes before everything that cuts or draws: what is not allowed has no probability, and the
sampling chain sees only the rest. Plain and speculative decoding ask the same object.
"""
