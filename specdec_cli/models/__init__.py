"""llama.cpp: models, contexts, sampling chains, devices."""
