"""The questions of an evaluation: one JSON object a line, ``{"question": "…", "answers": ["…"]}``.

An answer is right when it holds one of `answers`, whatever the case and the white space. Without any the sources do not tell, and
abstaining is right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from headrace.core.errors import OperationFailed

if TYPE_CHECKING:
    from pathlib import Path


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One question, and what a right answer holds."""

    question: str
    answers: tuple[str, ...]

    def judge(self, text: str, mode: str) -> str:
        """``right``, ``wrong`` or ``silent``."""
        if mode == "abstain":
            return "silent" if self.answers else "right"
        return "right" if any(_plain(answer) in _plain(text) for answer in self.answers) else "wrong"


def read(path: Path) -> tuple[bytes, list[Question]]:
    """The file, and its questions. Raises OperationFailed that names the line."""
    try:
        content = path.read_bytes()
    except OSError as error:
        msg = f"The questions cannot be read: {error.strerror}."
        raise OperationFailed(msg, code="evaluate.no_questions", param=str(path), mend="Name a file of questions.") from error
    found: list[Question] = []
    for number, line in enumerate(content.splitlines(), start=1):
        if line.strip():
            found.append(_question(line, f"{path}:{number}"))
    if not found:
        raise OperationFailed("There is no question in the file.", code="evaluate.no_questions", param=str(path), mend=_FORM)
    return content, found


def _question(line: bytes, place: str) -> Question:
    try:
        made = msgspec.json.decode(line, type=Question)
    except msgspec.DecodeError as error:
        raise OperationFailed("This line is no question.", code="evaluate.bad_question", param=place, mend=_FORM) from error
    if not made.question.strip() or not all(answer.strip() for answer in made.answers):
        raise OperationFailed("A question or an answer is empty.", code="evaluate.bad_question", param=place, mend=_FORM)
    return made


_FORM = 'One a line: {"question": "…", "answers": ["what a right answer holds", …]}; answers [] where the sources do not tell.'


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
