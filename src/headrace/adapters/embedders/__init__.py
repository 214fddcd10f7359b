"""Drivers of the Embedder port."""
