"""The Hugging Face Hub: models by name, their headers, their downloads."""

import os

# Read when huggingface_hub is imported: it would ask the Hub for a list of programs to name in its
# requests. Nothing is sent that a download does not need, unless somebody asks for it.
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
