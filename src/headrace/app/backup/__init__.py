"""A whole installation in one file, taken while it serves, and brought back under another path."""
