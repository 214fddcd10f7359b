"""How two revisions differ: file by file, line by line, and which services answer otherwise."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Final

from headrace.app.acts.turns import differences
from headrace.app.http.ports.revisions import Comparison, FileChange, Line, Touched
from headrace.config.files import PEOPLE, ROOT
from headrace.core.errors import OperationFailed
from headrace.policy.heads import head_of
from headrace.policy.rules import rules_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from headrace.config.model import Service, Workspace
    from headrace.config.revision import Revision

AROUND: Final = 3
"""Lines that are shown around a difference."""
LONGEST: Final = 5_000
"""Lines of a text that is compared line by line."""
ACTIONS: Final = ("ask", "unmask", "curate")
"""What policies can say of a service."""
_EVERYWHERE: Final = {
    ROOT: "The installation itself changes: limits, tenants, placements or how people sign in.",
    PEOPLE: "Who is in which group changes: with it who may ask what.",
}


def comparison(before: Revision, after: Revision) -> Comparison:
    """How `after` differs from `before`."""
    old, new = before.files, after.files
    found = differences(old, new)
    kinds = {
        path: kind for kind, paths in (("added", found.added), ("changed", found.changed), ("removed", found.removed)) for path in paths
    }
    files = [_file(path, kinds[path], old.get(path, ""), new.get(path, "")) for path in sorted(kinds)]
    everywhere = [words for path, words in _EVERYWHERE.items() if path in kinds]
    return Comparison(before.id, after.id, files, _services(before, after, kinds), everywhere)


def laid_over(old: str, new: str) -> list[Line]:
    """Two texts as one list of lines; what is the same in both far from a difference is left out."""
    before, after = old.splitlines(), new.splitlines()
    if max(len(before), len(after)) > LONGEST:
        return [Line("…", f"{len(before):,} lines before, {len(after):,} after: too many to be compared here")]
    lines: list[Line] = []
    at = 0
    for group in difflib.SequenceMatcher(None, before, after).get_grouped_opcodes(AROUND):
        if (left_out := group[0][1] - at) > 0:
            lines.append(_gap(left_out))
        for tag, a, b, c, d in group:
            if tag == "equal":
                lines.extend(Line(" ", before[a + n], a + n + 1, c + n + 1) for n in range(b - a))
                continue
            lines.extend(Line("-", before[n], n + 1) for n in range(a, b))
            lines.extend(Line("+", after[n], None, n + 1) for n in range(c, d))
        at = group[-1][2]
    if lines and (left_out := len(before) - at) > 0:
        lines.append(_gap(left_out))
    return lines


def _gap(lines: int) -> Line:
    return Line("…", f"{lines:,} line{'' if lines == 1 else 's'} the same")


def _file(path: str, kind: str, old: str, new: str) -> FileChange:
    lines = laid_over(old, new)
    if not lines:
        lines = [Line("…", "only line ends or characters that are not seen differ")]
    return FileChange(path, kind, sum(line.sign == "+" for line in lines), sum(line.sign == "-" for line in lines), lines)


def _services(before: Revision, after: Revision, changed: Collection[str]) -> list[Touched] | None:
    try:
        old, new = before.compile(), after.compile()
    except OperationFailed:
        return None
    names = sorted(old.services.keys() | new.services.keys())
    told = [Touched(name, _why(name, old, new, changed)) for name in names]
    return [each for each in told if each.why]


def _why(name: str, old: Workspace, new: Workspace, changed: Collection[str]) -> list[str]:
    was, now = old.services.get(name), new.services.get(name)
    if was is None or now is None:
        return ["it is new" if was is None else "it is gone"]
    why = ["its own file changes"] if was != now else []
    if now.prompt == was.prompt is not None and now.prompt in changed:
        why.append(f"its prompt {now.prompt} changes")
    why += [f"its source {each} changes" for each in _sources(now) if old.sources.get(each) != new.sources.get(each)]
    deployments = [each.deployment for each in now.models]
    why += [f"its deployment {each} changes" for each in deployments if old.deployments.get(each) != new.deployments.get(each)]
    if _bearing(old, name) != _bearing(new, name):
        why.append("policies that bear on it change")
    return why


def _sources(service: Service) -> Sequence[str]:
    return service.knowledge.sources if service.knowledge is not None else ()


def _bearing(workspace: Workspace, service: str) -> set[tuple[str, str]]:
    """The policies about this service, by id and text."""
    rules = ((rule, head_of(rule.statement.text)) for rule in rules_of(workspace.policies))
    return {(rule.id, rule.statement.text) for rule, head in rules if any(head.fits(action, "Service", service) for action in ACTIONS)}
