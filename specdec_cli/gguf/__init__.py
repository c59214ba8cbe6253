"""GGUF files: headers, tensors and vocabularies, read with bounds and without llama.cpp."""
