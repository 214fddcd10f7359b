"""A passage as it is read for quoting: marks, tags, templates and addresses blanked, every other character at its place.

A link's target can be longer than the sentence that it stands in, and an embedder sees a bounded number of tokens. Blanks instead of
deletions keep the offsets: what is found in the plain text stands at the same place in the stored one.
"""

from __future__ import annotations

import re

_MARKUP = re.compile(
    r"(?<=\])\((?:[^()\s]|\([^()\s]*\))*(?:[ \t]+\"[^\"\n]*\")?\)"  # the target of a link
    r"|https?://[^\s<>()\[\]\"'`|]+"
    r"|<!--.*?(?:-->|\Z)"
    r"|</?[A-Za-z][^<>]*>"
    r"|\{%.{0,300}?%\}|\{\{.{0,300}?\}\}"  # what a template engine would fill in
    r"|!(?=\[)|[`*|\[\]]+|(?<!\w)_+|_+(?!\w)"
    r"|^[ \t]*(?:#{1,6}|>)(?=[ \t])",
    re.MULTILINE | re.DOTALL,
)


def plain(text: str) -> str:
    """The text with spaces in the place of markup: of the same length, so every offset means the same in both."""
    return _MARKUP.sub(lambda found: " " * len(found[0]), text)
