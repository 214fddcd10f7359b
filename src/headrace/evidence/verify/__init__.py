"""The offline verifier: answers against their receipts, a log against itself, exported logs. It reads nothing of a workspace.

Everything here needs Python and the `cryptography` package alone, and goes out as one file (:mod:`headrace.evidence.verify.standalone`),
short enough to be read before it is trusted.
"""

from headrace.evidence.verify.answer import LINKS, verify
from headrace.evidence.verify.notes import Broken, Unreadable, VerifierKey, read_key
from headrace.evidence.verify.parts import Link, key_of, keys_of, read_bundle

__all__ = ["LINKS", "Broken", "Link", "Unreadable", "VerifierKey", "key_of", "keys_of", "read_bundle", "read_key", "verify"]
