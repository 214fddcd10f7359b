"""Stores: `control` (revisions, keys, sessions; SQLite), `lance` (passages)."""
