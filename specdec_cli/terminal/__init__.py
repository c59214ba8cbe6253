"""The terminal and the standard streams: what is written, drawn and typed there."""
