"""Does it look like a credential that a machine made, or like a word, a placeholder, a piece of code?"""

from __future__ import annotations

import re
from collections import Counter
from math import log2

from headrace.guardrails.regex import regex

_STAND_INS = regex(
    r"(?i)example|sample|dummy|placeholder|change.?me|replace|insert|redacted|removed|hidden|masked|censored|secret.?here|your|"
    r"my.?(?:key|token|secret|pass)|todo|fixme|foobar|lorem|undefined|abcdefgh|0123456789|123456789|987654321|qwerty|"
    r"deadbeef|xxxx|\*\*\*|\.\.\.|___|---|<|>|\$\{|\$\(|\{\{|%\(|\[\[|…|\[[a-z_ -]{2,40}[0-9]{0,6}\]"
)
_SAME = re.compile(r"(.)\1{5}")


def entropy(text: str) -> float:
    """Shannon entropy in bits a character, over the characters that it holds; 0 for no text."""
    size = len(text)
    return -sum(count / size * log2(count / size) for count in Counter(text).values())


def stand_in(text: str) -> bool:
    """A placeholder: it says so, or one character fills it."""
    return _STAND_INS.search(text.encode()) is not None or _SAME.search(text) is not None


def made_by_a_machine(text: str, bits: float) -> bool:
    """It varies as much as a random string does (`bits` a character at least) and is no placeholder."""
    return entropy(text) >= bits and not stand_in(text)


def mixed(text: str) -> bool:
    """Letters and digits."""
    return any(character.isdigit() for character in text) and any(character.isalpha() for character in text)
