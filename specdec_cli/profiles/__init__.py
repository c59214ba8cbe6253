"""Named pairs and their settings."""
