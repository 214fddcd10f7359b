"""From a text to passages: its structure, its chunks, its sentences."""
