"""The form of a key: how one is made, what may be shown of it, how it is recognised, and for how long it holds.

A key is ``hr_live_``, eight characters that are public, thirty-two that are secret (190 bits), and six that check the rest: base 62
throughout. The check tells a mistyped key from an unknown one without a look-up, and lets a scanner for leaked secrets be sure.
"""

from __future__ import annotations

import hashlib
import secrets
import string
import zlib
from typing import Final

from headrace.config.units import read_duration
from headrace.core.errors import OperationFailed

PREFIX: Final = "hr_live_"
SESSION_PREFIX: Final = "hrs_"
"""What a console session's token begins with; a key never does."""
SESSION_ID_PREFIX: Final = "ses_"
"""What stands before a session's id where records name the key, and there was none."""
PUBLIC: Final = len(PREFIX) + 8
"""Characters of a key that may be shown and recorded: its id."""
LENGTH: Final = PUBLIC + 32 + 6

_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_CHECK = 6
"""Characters in base 62 that hold any CRC-32."""
_NEVER = "never"
_LONGEST_US = 3650 * 86_400_000_000


def mint() -> tuple[str, str, str]:
    """A new key: its secret, its public id, and the SHA-256 (hex) by which it is kept."""
    body = PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(LENGTH - len(PREFIX) - _CHECK))
    secret = body + _check(body)
    return secret, secret[:PUBLIC], digest_of(secret)


def digest_of(credential: str) -> str:
    """The SHA-256 (hex) of a key or a session's token, whatever it holds."""
    return hashlib.sha256(credential.encode(errors="surrogatepass")).hexdigest()


def well_formed(text: str) -> bool:
    """Whether a text has the form of a key, its check characters too."""
    if len(text) != LENGTH or not text.startswith(PREFIX) or not text.isascii():
        return False
    return text[-_CHECK:] == _check(text[:-_CHECK])


def read_expiry(text: str) -> int | None:
    """``30 d``, ``12 h`` as microseconds that a key lasts; None for ``never``. Raises OperationFailed that shows the form."""
    if text.strip().lower() == _NEVER:
        return None
    try:
        lasts = round(read_duration(text.strip()).seconds * 1_000_000)
    except ValueError:
        lasts = 0
    if not 0 < lasts <= _LONGEST_US:
        message = "This is not a time that a key can last."
        raise OperationFailed(
            message, code="keys.expiry", param="--expires", mend="Write for example 12 h or 30 d (up to 3650 d), or never."
        )
    return lasts


def _check(body: str) -> str:
    number = zlib.crc32(body.encode())
    found = ""
    for _ in range(_CHECK):
        number, digit = divmod(number, len(_ALPHABET))
        found = _ALPHABET[digit] + found
    return found
