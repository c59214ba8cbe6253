"""Prompts of our own: some for any chat model, some that the built-in pair was trained for."""

from __future__ import annotations

PROMPTS = (
    "Write a Python function that counts the vowels in a string.",
    "Tell me a short story about a fox and a lantern.",
    "What is the capital of Portugal?",
    "Explain what a cache is.",
    "Write a Python function to find the largest number in a list.",
    "Repeat this list twice: red, green, blue, red, green, blue, red, green, blue.",
    "What is the difference between a process and a thread?",
    "Write a short story set in a quiet harbour.",
    "Write a Python function that returns the even numbers of a list, sorted.",
    "List five things a careful person checks before a long journey.",
    "Describe a thunderstorm to someone who has never seen one.",
    "Can you calculate 7 * 8?",
    "Write an SQL query that counts the orders of each customer.",
    "Übersetze ins Englische: Der Zug fährt um acht Uhr.",
    "Explain to a child why the sky is blue.",
    "Correct the spelling: The quik brown fox jumpt over the lazi dog.",
)
"""Different kinds of text, the repetitive and the free: drafts are kept often and seldom."""

QUICK = 6
"""How many of them a quick check takes."""
