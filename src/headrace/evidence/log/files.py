"""What the files of a log's folder are called."""

from __future__ import annotations

DATABASE = "log.db"
LOCK = "log.lock"
KEY_FILE = "log.key"
"""The private key that signs now."""
VKEY_FILE = "log.vkey"
"""Its public half: what others pin."""
NEXT_KEY_FILE = "log.key.next"
"""A key that a rotation has made and that may not be in force yet."""
