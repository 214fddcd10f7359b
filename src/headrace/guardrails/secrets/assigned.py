"""What stands behind a telling name: ``password = …``, ``"api_key": "…"``, ``my password is …``, ``https://user:password@host``."""

from __future__ import annotations

import re
from base64 import b64decode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from headrace.guardrails.regex import occurrences, regex
from headrace.guardrails.secrets.likeness import entropy, made_by_a_machine, mixed, stand_in
from headrace.guardrails.spans import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SAYS_PASS = r"pass(?:word|wd|phrase|code)s?|passwort|kennwort|contrase[nñ]a|mot de passe|pwd"  # noqa: S105 - the words for it
_KEY = "api|access|auth|private|signing|encryption|master|license|account|storage|subscription|application|app|consumer|secret|service"
_SAYS_SECRET = rf"secrets?|tokens?|credentials?|(?:{_KEY})[ _.-]?keys?"
_NAME = "[A-Za-z0-9_.-]{0,24}"
_IS = r"""["'`\])]{0,2}[ \t]{0,8}(?::=|=>|[?.+|]{0,2}={1,3}|:|value=)[ \t]{0,8}"""
"""What stands between a name and its value in code, configuration and JSON."""
_IS_OR_NEXT = r"""["'`\])]{0,2}[ \t]{0,8}(?::=|=>|[?.+|]{0,2}={1,3}|:|,|value=)[ \t]{0,8}"""
"""In calls too; there the value must be quoted."""
_SPOKEN = r"(?:[ \t][a-zA-Z]{1,12}){0,4}[ \t](?:is|was|ist|lautet|war|est|es)[ \t]{0,2}:?[ \t]{1,2}"
_QUOTED = r"""(?:[A-Za-z]{1,2})?["'`]([^\s"'`]{6,64})"""
_BARE = r"""([^\s"'`<>,;(){}\[\]|&$\\]{6,64})"""
_FLAG = "(?:password|passwd|token|secret|api-key)"
_REST = r"""[^\s"'`<>]*"""

_NO_SECRET_BEFORE = re.compile(
    r"(?:\b|_)(?:next|page|cont(?:inuation)?|eos|bos|pad|unk|sep|mask|special|csrf|xsrf|authenticity|max|min|num|n|per|public)[_.-]?$",
    re.IGNORECASE,
)
_NO_SECRET_AFTER = re.compile(
    r"i[sz]e|count|limit|max|min|len|size|type|name|file|path|dir|ur[il]|endpoint|hint|policy|expir|ttl|age|field|column|label|prompt|"
    r"param|regex|pattern|format|version|usage|budget|class|func|index|offset|reset|ref|arn$|length|ids?$|status|state|manager|provider",
    re.IGNORECASE,
)
_WORDS = re.compile(r"[_./:-]*(?:[A-Za-z]+|[0-9]{1,4})(?:[_./:@#+-]+(?:[A-Za-z]+|[0-9]{1,4}))*[_./:-]*")
_NAMES = re.compile(r"[_./:-]*[A-Za-z]+[0-9]{0,4}[A-Za-z]{0,8}(?:[_./:-]+[A-Za-z]*[0-9]{0,4}[A-Za-z]{0,8})*")
"""Names of code have one number in a word at most: ``b64encode``, ``symbol2label``, ``key_v2``."""
_PLACE = re.compile(
    r"[a-z]{2,8}:/|(?:\.{1,2}|~)/|/?(?:[\w.@-]+/){2,}|[A-Za-z]:\\|[^/]*\.(?:json|ya?ml|txt|pem|key|py|js|ts|html?|md|csv|xml|cfg|ini|env)$",
    re.IGNORECASE,
)
_REFERENCE = re.compile(r"[@$%#{]|[A-Za-z_]+\d{0,3}(?:\.[A-Za-z_]+\d{0,3})+$|(?:env|vault|secret|ref|sha\d+|arn):")
_ITSELF = re.compile(
    r"(?:my|the|new|old|db|user|root|admin|test|some|super)?[_-]?(?:pass(?:word|wd|phrase)?|pwd|secret|token|key)[_-]?[0-9]{0,4}!?",
    re.IGNORECASE,
)
_PASSWORD_BITS, _SECRET_BITS = 2.2, 2.8
"""Least entropy a character."""
_LONG_NUMBER = 20
"""Digits that no count, date or ordinary id has."""
_MARKS = b".,;:)"
_CALLS = (b"(", b"[")


@dataclass(frozen=True, slots=True)
class Named:
    """A way of naming a secret. `pattern` has two groups: how the name goes on (or the scheme, or the user), and the value; `check` sees
    what stands before the name, and both."""

    kind: str
    signs: tuple[str, ...]
    pattern: str
    check: Callable[[str, str, str], bool]
    goes_on: str = _REST


class Assigned:
    """Recognises one way of naming. Port Recogniser."""

    def __init__(self, named: Named) -> None:
        self.kinds = (named.kind,)
        self.signs = named.signs
        self._check = named.check
        self._head = regex(named.pattern)
        self._rest = regex(named.goes_on)

    def find(self, data: bytes) -> Iterator[Span]:
        """Its matches. A weaker sign than a form of its own: confidence 0.7."""
        runs_from, runs_to = 0, 0
        for found in occurrences(self._head, data):
            before = data[max(0, found.start() - 24) : found.start()].decode("utf-8", "replace")
            if not self._check(before, found.group(1).decode(), found.group(2).decode()):
                continue
            start, end = found.span(2)
            if data[end : end + 1] in _CALLS:
                continue
            if not runs_from <= end <= runs_to:
                rest = self._rest.match(data, end)
                runs_from, runs_to = end, end if rest is None else rest.end()
            ends_a_sentence = data[runs_to - 1] in _MARKS and data[runs_to : runs_to + 1].isspace() | (runs_to == len(data))
            yield Span(self.kinds[0], start, runs_to - ends_a_sentence, 0.7)


def a_secret(before: str, more: str, value: str) -> bool:
    """Made by a machine: letters and digits mixed within a word, and not the name of a thing."""
    if _NO_SECRET_BEFORE.search(before) or _NO_SECRET_AFTER.search(more) or _NAMES.fullmatch(value):
        return False
    if not mixed(value) and not (value.isdigit() and len(value) >= _LONG_NUMBER):
        return False
    return not _is_a_word(value) and made_by_a_machine(value, _SECRET_BITS)


def a_password(before: str, more: str, value: str) -> bool:
    """Letters with digits or signs among them, or a number of six digits or more; no word and no reference to one."""
    del before
    if _NO_SECRET_AFTER.search(more) or stand_in(value) or _is_a_word(value):
        return False
    return not value.isalpha() and entropy(value) >= _PASSWORD_BITS


def a_spoken_password(before: str, more: str, value: str) -> bool:
    """In a sentence: letters and digits."""
    return mixed(value) and a_password(before, more, value)


def an_authorization(before: str, more: str, value: str) -> bool:
    """Basic: it decodes to a name and a password. Others: a machine made it."""
    del before
    if more.lower() == "basic":
        try:
            return b":" in b64decode(value + "=" * (-len(value) % 4)) and not stand_in(value)
        except ValueError:
            return False
    return mixed(value) and made_by_a_machine(value, _SECRET_BITS)


def a_password_in_an_address(before: str, more: str, value: str) -> bool:
    """Not a word that stands for one."""
    del before, more
    return not stand_in(value) and _ITSELF.fullmatch(value) is None and _REFERENCE.match(value) is None


def _is_a_word(value: str) -> bool:
    """Words joined by signs, a path or address, a reference into code or environment, or the name of the thing itself."""
    return any((_WORDS.fullmatch(value), _PLACE.match(value), _REFERENCE.match(value), _ITSELF.fullmatch(value)))


WAYS: Final = (
    Named("secret", (f"(?i:{_SAYS_SECRET})",), f"(?i:{_SAYS_SECRET})({_NAME}){_IS_OR_NEXT}{_QUOTED}", a_secret),
    Named("secret", (f"(?i:{_SAYS_SECRET})",), f"(?i:{_SAYS_SECRET})({_NAME})(?:{_IS}|>|{_SPOKEN}){_BARE}", a_secret),
    Named("password", (f"(?i:{_SAYS_PASS})",), f"(?i:{_SAYS_PASS})({_NAME}){_IS_OR_NEXT}{_QUOTED}", a_password),
    Named("password", (f"(?i:{_SAYS_PASS})",), f"(?i:{_SAYS_PASS})({_NAME})(?:{_IS}|>){_BARE}", a_password),
    Named("password", (f"(?i:{_SAYS_PASS})",), f"""(?i:{_SAYS_PASS})(){_SPOKEN}["'`]?{_BARE}""", a_spoken_password),
    Named("password", ("__CONTRIBSYS__COM",), f"__CONTRIBSYS__COM({_NAME}){_IS}[\"']?([0-9a-f]{{8}}:[0-9a-f]{{8}})", a_password),
    Named("password", (f"--{_FLAG}[ =]",), f"""--{_FLAG}()[ =]["']?{_BARE}""", a_spoken_password),
    Named("password", ("(?:-u|--user)[ =]",), f"""(?:-u|--user)()[ =]["']?[^\\s:"']{{1,64}}:["']?{_BARE}""", a_spoken_password),
    Named(
        "authorization",
        ("(?i:authorization)",),
        f"""(?i:authorization)["']?[ \\t]{{0,2}}[:=][ \\t]{{0,2}}["']?(?i:(basic|bearer|token|apikey|bot))[ \\t]{{1,2}}{_BARE}""",
        an_authorization,
    ),
    Named(
        "url_password",
        ("://",),
        r"""\b[a-z][a-z0-9+.-]{1,20}://([^\s/:@"'<>]{0,64}):([^\s/"'<>]{3,128})@[A-Za-z0-9\[]""",
        a_password_in_an_address,
        goes_on="",
    ),
)
