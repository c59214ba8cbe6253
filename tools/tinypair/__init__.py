"""Builds the pair of small models inside the package: text, tokenizer, training, GGUF files."""
