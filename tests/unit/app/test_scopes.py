"""For whom the command line searches, and what they may see."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from headrace.app.search.scopes import asker, require_curator, scope
from headrace.core.errors import Forbidden, OperationFailed
from tests.support.workspaces import checked, lay

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.config.model import Workspace

PEOPLE = """\
people:
  - person: ana
    groups: [support]
  - person: ben
    tenant: lab
    groups: [chemists]
applications:
  - application: operator
    groups: [auditors]
"""
MORE = {
    "sources__diary_yaml": "source: diary\nfolder: texts\nreaders:\n  people: [ana]\n",
    "sources__recipes_yaml": "source: recipes\ntenant: lab\nfolder: texts\nreaders:\n  groups: [chemists]\n",
}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    lay(tmp_path, people_yaml=PEOPLE)
    for path, text in MORE.items():
        (tmp_path / path.replace("__", "/").replace("_yaml", ".yaml")).write_text(text)
    (tmp_path / "services" / "plain.yaml").write_text("service: plain\nmodels:\n  - deployment: small\n")
    found = checked(tmp_path)
    assert found.workspace is not None, found.faults
    return found.workspace


def test_the_operator_has_the_groups_of_operators_and_those_of_people_yaml(workspace: Workspace) -> None:
    operator = asker(workspace, None, None)
    assert (operator.id, operator.tenant, operator.groups) == ("operator", "default", {"operators", "curators", "auditors"})
    elsewhere = asker(workspace, "lab", None)
    assert (elsewhere.tenant, elsewhere.groups) == ("lab", {"operators", "curators"})


def test_people_have_their_own_tenant_and_groups(workspace: Workspace) -> None:
    assert asker(workspace, None, "ana").groups == {"support"}
    ben = asker(workspace, None, "ben")
    assert (ben.tenant, ben.groups) == ("lab", {"chemists"})


def test_a_scope_opens_what_its_asker_may_read(workspace: Workspace) -> None:
    ana, operator, ben = asker(workspace, None, "ana"), asker(workspace, None, None), asker(workspace, None, "ben")
    everything = scope(workspace, ana, None, ())
    assert set(everything.sources) == {"handbook", "diary"}
    assert everything.acls == {"handbook", "handbook:hr/**", "diary"}
    assert scope(workspace, operator, None, ()).acls == {"handbook"}
    assert scope(workspace, ana, None, ("diary",)).acls == {"diary"}
    assert scope(workspace, ana, "help", ()).sources == ("handbook",)
    assert scope(workspace, ana, "help", ("diary",)).sources == ("diary",)
    assert scope(workspace, ben, None, ("handbook", "recipes")) == scope(workspace, ben, None, ("recipes",))
    assert scope(workspace, ben, None, ("handbook",)).sources == ()


@pytest.mark.parametrize(
    ("tenant", "person", "service", "source", "code", "mend"),
    [
        ("lap", None, None, (), "search.unknown_tenant", 'Did you mean "lab"?'),
        (None, "anna", None, (), "search.unknown_person", 'Did you mean "ana"?'),
        ("lab", "ana", None, (), "search.unknown_person", "There are: ben."),
        (None, None, "helf", (), "search.unknown_service", 'Did you mean "help"?'),
        (None, None, "plain", (), "search.no_knowledge", None),
        (None, None, None, ("handbuch",), "search.unknown_source", 'Did you mean "handbook"?'),
    ],
)
def test_what_is_not_there_is_told(
    workspace: Workspace, tenant: str | None, person: str | None, service: str | None, source: tuple[str, ...], code: str, mend: str | None
) -> None:
    with pytest.raises(OperationFailed) as told:
        scope(workspace, asker(workspace, tenant, person), service, source)
    assert (told.value.code, told.value.mend) == (code, mend)


def test_raw_scores_are_for_whom_policy_lets(tmp_path: Path) -> None:
    policy = '@id("ask")\npermit (principal, action == Action::"ask", resource);\n'
    policy += '@id("curators")\npermit (principal in Group::"default/auditors", action == Action::"curate", resource);\n'
    found = checked(lay(tmp_path, people_yaml=PEOPLE, policies__base_cedar=policy))
    assert found.workspace is not None, found.faults
    require_curator(found.workspace, asker(found.workspace, None, None))
    with pytest.raises(Forbidden, match="ana may not see raw scores"):
        require_curator(found.workspace, asker(found.workspace, None, "ana"))
