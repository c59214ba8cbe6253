"""Messages to prompts: chat templates in a sandbox, and built-in formats."""
