"""A seeded program that writes the chat text the embedded pair is trained on."""
