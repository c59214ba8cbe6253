"""``specdec bench``: prompts, arms, paired measurements, and what they come to."""
