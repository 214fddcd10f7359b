"""The character sets of Python, loaded while files can still be opened; any other is then unknown at once, and is not looked for."""

from __future__ import annotations

import codecs
import encodings
import pkgutil
from encodings import aliases
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codecs import CodecInfo


def keep() -> None:
    """Load every character set, and let nothing else be loaded, for good."""
    kept = {each.name: found for each in pkgutil.iter_modules(encodings.__path__) if (found := _known(each.name))}

    def search(name: str) -> CodecInfo | None:
        plain = encodings.normalize_encoding(name).lower()
        return kept.get(aliases.aliases.get(plain, plain))

    codecs.unregister(encodings.search_function)
    codecs.register(search)


def _known(name: str) -> CodecInfo | None:
    try:
        return codecs.lookup(name)
    except LookupError:
        return None  # of another system
