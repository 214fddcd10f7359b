"""The result of an evaluation, kept by deployment, and the mode that the deployment earns by it.

It is state of the installation (``evaluations/`` beside the control store), and content-free: counts, a date, hashes.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import msgspec

from headrace.core.errors import OperationFailed

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.config.layout import Layout
    from headrace.config.model import Deployment, Workspace

Earned: TypeAlias = Literal["quote", "draft", "not measured"]
FEWEST: Final = 30
"""Questions below which nothing is earned."""
_HALF = 2
"""One answer in so many must really be drafted: a service that nearly always falls back says nothing about its drafts."""
MEASURED: Final = "smollm2-135m-instruct"
"""The embedded model that was measured here (docs/explanation/figures.md); another default is to be measured first."""
UNREADABLE: Final = "evaluate.unreadable"


class Counts(msgspec.Struct, frozen=True):
    """Answers to the same questions, in one mode. Abstaining is right where the sources do not tell, and silent where they do."""

    right: int
    wrong: int
    silent: int


class Result(msgspec.Struct, frozen=True):
    """One evaluation. `form` is the hash of the deployment as it was; `questions` the hash of the file of questions."""

    deployment: str
    form: str
    service: str
    against: str
    revision: str
    time_us: int
    questions: str
    asked: int
    draft: Counts
    quote: Counts
    drafted: int
    """Answers of `draft` that were really drafted; the others fell back."""

    @property
    def earned(self) -> Earned:
        """A draft, when drafts are right at least as often as quotes over the same questions, wrong no more often, and no rarity."""
        if self.asked < FEWEST:
            return "not measured"
        better = self.draft.right >= self.quote.right and self.draft.wrong <= self.quote.wrong and self.drafted * _HALF >= self.asked
        return "draft" if better else "quote"


def keep(layout: Layout, result: Result) -> Path:
    """Write the result in the place of the one before. Raises OperationFailed when that is not possible."""
    path = _path(layout, result.deployment)
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        made = path.with_suffix(".new")
        made.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n")
        made.replace(path)
    except OSError as error:
        msg = f"The result cannot be written: {error.strerror}."
        raise OperationFailed(msg, code="evaluate.unwritable", param=str(path), mend="Make room, or give yourself the folder.") from error
    return path


def kept(layout: Layout, deployment: Deployment) -> Result | None:
    """The last result of a deployment as it is now; None when it was never measured, or changed since. Raises OperationFailed when it
    cannot be read."""
    path = _path(layout, deployment.deployment)
    try:
        result = msgspec.json.decode(path.read_bytes(), type=Result)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        msg = "The result of the last evaluation cannot be read."
        raise OperationFailed(msg, code=UNREADABLE, param=str(path), mend="Evaluate anew, or remove the file.") from error
    return result if result.form == form_of(deployment) else None


def earned(layout: Layout, deployment: Deployment) -> tuple[Earned, Result | None]:
    """What a deployment earns, and by which evaluation. Without one the model that comes with Headrace earns quotes: it
    was measured (docs/explanation/figures.md), writes well and knows little. Of any other nobody knows."""
    try:
        result = kept(layout, deployment)
    except OperationFailed:
        result = None  # it is told as not measured; the next evaluation says what is wrong with the file
    if result is not None and result.earned != "not measured":
        return result.earned, result
    measured = deployment.embedded is not None and deployment.embedded.model == MEASURED
    return "quote" if measured else "not measured", result


def notes(layout: Layout, workspace: Workspace) -> list[str]:
    """A sentence for each service that drafts on a deployment that has not earned it. No faults: somebody may know better."""
    found: list[str] = []
    for name, service in sorted(workspace.services.items()):
        if service.knowledge is None or service.knowledge.mode != "draft":
            continue
        for choice in service.models:
            form = workspace.deployments.get(choice.deployment)
            word = earned(layout, form)[0] if form is not None else "draft"
            if word != "draft":
                says = "earns quotes" if word == "quote" else "is not measured"
                found.append(
                    f'services/{name}.yaml drafts with deployment "{choice.deployment}", which {says}. Measure it on your own '
                    f"questions: headrace evaluate {name} --questions FILE"
                )
    return found


def form_of(deployment: Deployment) -> str:
    """A hash of what a deployment is; what it costs and is called changes nothing about how well it writes."""
    return hashlib.sha256(deployment.model_dump_json(include={"embedded", "provider"}).encode()).hexdigest()


def _path(layout: Layout, deployment: str) -> Path:
    return layout.evaluations / f"{deployment}.json"
