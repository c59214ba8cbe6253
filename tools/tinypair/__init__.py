"""Builds the pair of small models that ships inside the package: text, tokenizer, training, GGUF files."""
