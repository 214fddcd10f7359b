"""Every fault of a policy at its place, in words, with the mend."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from headrace.adapters.weights.catalogue import built_in
from headrace.config.check import check
from headrace.config.faults import Fault, lines
from headrace.policy import cedar, schema
from headrace.policy.faults import policy_faults
from headrace.policy.text import statements
from tests.support.policies import workspace
from tests.support.workspaces import FILES, lay

if TYPE_CHECKING:
    from pathlib import Path

ASK = 'permit (principal, action == Action::"ask", resource)'
PLACE = 'permit (principal, action == Action::"place", resource)'
DEEP = "(" * 70 + "true" + ")" * 70


def faults(text: str) -> list[tuple[int, int, str, str]]:
    """Line, column, message and mend of each."""
    return [(each.line, each.column, each.message, each.mend) for each in policy_faults(workspace(text))]


GOOD = [
    "",
    "// nothing but a comment",
    "permit (principal, action, resource);",
    f"{PLACE} when {{ context has sensitivity && context.sensitivity < 2 }} unless {{ context.tainted }};",
    'forbid (principal is Application in Group::"default/support", action in [Action::"ask", Action::"unmask"], resource is Service);',
    'permit (principal == Person::"default/ana", action, resource == Service::"help");',
    'permit (principal in Tenant::"lab", action == Action::"curate", resource in Tenant::"lab") when { resource is Source };',
    'permit (principal, action == Action::"curate", resource == Source::"handbook");',
    'permit (principal, action == Action::"place", resource == Deployment::"far") when { principal.tenant == Tenant::"lab" };',
    'permit (principal, action == Action::"prove", resource) when { context.own };',
    'permit (principal in Group::"lab/auditors", action, resource in Placement::"cloud");',
    f'@id("a") @note("anything") {ASK};\n@id("b") {ASK};\n@id("a.b_c-1") {ASK};',
    f'{ASK} when {{ "\\u{{1F600}}\\x41\\n" == "a" }};',
    "\u00a0permit (principal, action, resource)\r\n;\r\n",
]


@pytest.mark.parametrize("text", GOOD)
def test_what_is_right(text: str) -> None:
    assert faults(text) == []


FORM = "A policy reads: permit (principal, action, resource) when { … };"
HEADLESS = "permit (principal, action, resource)"
KNOWN_CALLS = (
    "Known here: contains, containsAll, containsAny, isEmpty, getTag, hasTag, ip, isIpv4, isIpv6, isLoopback, isMulticast, "
    "isInRange and 16 more."
)
SYNTAX = {
    HEADLESS: (1, 36, "this policy ends before it is whole", f"It ends with ;. {FORM}"),
    f"{HEADLESS};\n\n{HEADLESS} when": (3, 38, "this policy ends before it is whole", f"It ends with ;. {FORM}"),
    '@id("a")\npermit (principal, action, resource;': (2, 36, '";" is unexpected here', FORM),
    "permit (principal action, resource);": (1, 19, '"action" is unexpected here', FORM),
    "permit (principal, action, resource) when principal == resource;": (1, 43, '"principal" is unexpected here', FORM),
    ";": (1, 1, '";" is unexpected here', FORM),
    f"{HEADLESS} # no\n;": (1, 38, '"#" is unexpected here', FORM),
    f'{HEADLESS} when {{ "open }};\n{ASK};': (1, 45, "this string is not closed on its line", 'Close it with ".'),
    f"{HEADLESS} when {{ prinzipal == resource }};": (1, 45, 'unknown word "prinzipal"', 'Did you mean "principal"?'),
    f"{HEADLESS} when {{ foo }};": (1, 45, 'unknown word "foo"', "Known here: principal, action, resource, context."),
    "permit (principle, action, resource);": (
        1,
        9,
        '"principle" does not stand in the head of a policy',
        'Did you mean "principal"?',
    ),
    "permits (principal, action, resource);": (
        1,
        1,
        'a policy begins with permit or forbid, not with "permits"',
        'Did you mean "permit"?',
    ),
    f'{HEADLESS} when {{ principal.startsWith("x") }};': (1, 55, 'there is no function "startsWith"', KNOWN_CALLS),
    f"{HEADLESS} when {{ [1].containsall([1]) }};": (1, 49, 'there is no function "containsall"', 'Did you mean "containsAll"?'),
    f'@id("a")\n@id("b")\n{HEADLESS};': (2, 2, "@id stands here twice", "Keep one of the two."),
    "permit (principal == ?principal, action, resource);": (
        1,
        22,
        "template slots are never filled here",
        'Name who is meant: principal in Group::"default/members".',
    ),
    "permit (principal, action == ask, resource);": (1, 30, 'expected an entity uid, found name "ask"', FORM),
    'permit (principal == "ana", action, resource);': (
        1,
        22,
        'expected an entity uid or matching template slot, found literal "ana"',
        FORM,
    ),
    f'{HEADLESS} when {{ "a" == "\\q" }};': (1, 52, 'the input "\\q" is not a valid escape', FORM),
    f"{HEADLESS} when {{ 1 == 99999999999999999999 }};": (
        1,
        50,
        "integer parse error: number too large to fit in target type",
        FORM,
    ),
    "permit (principal, action);": (1, 1, 'this policy is missing the "resource" variable in the scope', FORM),
    f"{HEADLESS} when {{ {DEEP} }};": (
        1,
        108,
        "this policy is too large: at most 2,000 words, and brackets at most 64 deep",
        "Make several policies of it: permits add up, and any forbid forbids.",
    ),
}


@pytest.mark.parametrize(("text", "fault"), SYNTAX.items())
def test_the_form_of_a_policy(text: str, fault: tuple[int, int, str, str]) -> None:
    assert faults(text) == [fault]


OF_PERSON = "attribute {} does not exist on Application or Person; it has: tenant"
MEANING = {
    f"{PLACE} when {{ context.sensitivty > 1 }};": (
        1,
        72,
        'attribute "sensitivty" does not exist in the context of place; it has: sensitivity, tainted',
        'Did you mean "sensitivity"?',
    ),
    f'{ASK} when {{ context["foo"] }};': (
        1,
        70,
        'attribute "foo" does not exist in the context of ask; it has: none',
        "",
    ),
    f"{ASK} when {{ (context).sensitivty > 1 }};": (
        1,
        1,
        'attribute "sensitivty" does not exist in the context of ask; it has: none',
        'Only place has sensitivity: write action == Action::"place" in the head.',
    ),
    f"{HEADLESS} when {{ context.tainted }};": (
        1,
        53,
        'attribute "tainted" does not exist in the context of administer, ask, audit, change, curate, inspect, observe, prove, see, unmask',
        'Only place has it: write action == Action::"place" in the head.',
    ),
    f"{PLACE} when {{ context.sensitivity > 1 && principal.sensitivity > 1 }};": (
        1,
        101,
        OF_PERSON.format('"sensitivity"'),
        "The context of place has it: context.sensitivity.",
    ),
    f"{ASK} when {{ principal.tenat == principal.tenant }};": (
        1,
        72,
        OF_PERSON.format('"tenat"'),
        'Did you mean "tenant"?',
    ),
    f"{ASK} when {{ principal.colour == 1 }};": (1, 72, OF_PERSON.format('"colour"'), "Known: tenant."),
    f'{PLACE} when {{ resource.placement == "here" }};': (
        1,
        73,
        'attribute "placement" does not exist on Deployment; it has: none',
        'Write: resource in Placement::"here".',
    ),
    f"{ASK} when {{ resource.colour == 1 }};": (1, 71, 'attribute "colour" does not exist on Service; it has: none', ""),
    f"{PLACE} unless {{ context has sensitivty && context.sensitivity > 1 }};": (
        1,
        78,
        'attribute "sensitivty" exists nowhere, so this is never true',
        'Did you mean "sensitivity"?',
    ),
    f'{PLACE} unless {{ context has "gruop" }};': (
        1,
        78,
        'attribute "gruop" exists nowhere, so this is never true',
        'Write: principal in Group::"default/members".',
    ),
    'permit (principal, action == Action::"aks", resource);': (1, 38, 'unknown action "aks"', 'Did you mean "ask"?'),
    'permit (principal, action in [Action::"ask", A::Action::"ask"], resource);': (
        1,
        57,
        'unknown action "ask"',
        'Write Action::"ask".',
    ),
    'permit (principal in Grop::"default/x", action == Action::"ask", resource);': (
        1,
        22,
        'unknown entity type "Grop"',
        'Did you mean "Group"?',
    ),
    'permit (principal, action == Action::"ask", resource is Foo::Bar);': (
        1,
        57,
        'unknown entity type "Foo::Bar"',
        "Known: Application, Deployment, Group, Log, Person, Placement, Record, Service, Source, Tenant.",
    ),
    '\npermit (principal, action == Action::"ask", resource is Deployment);': (
        2,
        1,
        "no action fits the head of this policy, so it can never apply",
        "By Person or Application: ask is done to Service.",
    ),
    "permit (principal is Service, action, resource);": (
        1,
        1,
        "no action fits the head of this policy, so it can never apply",
        (
            "By Person or Application: administer is done to Tenant; ask is done to Service; audit is done to Log; "
            "change is done to Tenant; curate is done to Service or Source or Tenant; inspect is done to Record; "
            "observe is done to Tenant; place is done to Deployment; prove is done to Record; see is done to Service; "
            "unmask is done to Service."
        ),
    ),
    f'{PLACE} when {{ context.tainted }}\n  when {{ context.sensitivity > "1" }};': (
        2,
        3,
        "text stands here where a whole number is wanted",
        "",
    ),
    f'{ASK}\nwhen {{ principal like "a*" }};': (2, 1, "Application or Person stands here where text is wanted", ""),
    f"{ASK} unless {{ [].isEmpty() }};": (1, 55, "empty set literals are forbidden in policies", ""),
}


@pytest.mark.parametrize(("text", "fault"), MEANING.items())
def test_the_meaning_of_a_policy(text: str, fault: tuple[int, int, str, str]) -> None:
    assert faults(text) == [fault]


GROUP = 'permit (principal in Group::"{}", action, resource);'
NAMES = {
    GROUP.format("default/suport"): (29, 'unknown group "default/suport"', 'Did you mean "default/support"?'),
    GROUP.format("support"): (29, 'unknown group "support"', 'Write it with its tenant: Group::"default/support".'),
    GROUP.format("chemists"): (29, 'unknown group "chemists"', 'Write it with its tenant: Group::"lab/chemists".'),
    GROUP.format("default/chemists"): (29, 'unknown group "default/chemists"', 'Did you mean "lab/chemists"?'),
    GROUP.format("labor/support"): (29, 'unknown group "labor/support"', 'Did you mean "default/support"?'),
    GROUP.format("zzz"): (29, 'unknown group "zzz"', 'Write it with its tenant: Group::"tenant/group".'),
    GROUP.format("lab/zzzzzz"): (
        29,
        'unknown group "lab/zzzzzz"',
        (
            "Somebody in people.yaml must belong to it, or headrace.yaml must list it under groups. "
            "Known: default/auditors, default/members, default/support, lab/auditors, lab/chemists, lab/members."
        ),
    ),
    GROUP.format("a\\n" * 40): (29, f'unknown group "{"a" + chr(92) + "n"}', "Write it with its tenant"),
    'permit (principal == Person::"default/desk", action, resource);': (
        30,
        'unknown person "default/desk"',
        "people.yaml lists everyone under people. Known: default/ana, lab/ben.",
    ),
    'permit (principal == Application::"default/dsk", action, resource);': (
        35,
        'unknown application "default/dsk"',
        'Did you mean "default/desk"?',
    ),
    'permit (principal, action == Action::"ask", resource == Service::"halp");': (
        66,
        'unknown service "halp"',
        'Did you mean "help" (services/help.yaml)?',
    ),
    'permit (principal, action == Action::"place", resource == Deployment::"nowhere");': (
        71,
        'unknown deployment "nowhere"',
        "Known: far, small.",
    ),
    'permit (principal, action == Action::"place", resource in Placement::"clod");': (
        70,
        'unknown placement "clod"',
        'Did you mean "cloud"?',
    ),
    'permit (principal in Tenant::"labb", action, resource);': (30, 'unknown tenant "labb"', 'Did you mean "lab"?'),
}


@pytest.mark.parametrize(("text", "fault"), NAMES.items())
def test_the_names_in_a_policy(text: str, fault: tuple[int, str, str]) -> None:
    ((line, column, message, mend),) = faults(text)
    assert (line, column) == (1, fault[0])
    assert message.startswith(fault[1])
    assert message.isprintable()
    assert mend.startswith(fault[2])


def test_ids_are_ids_and_stand_once() -> None:
    text = f'@id("a") {ASK};\n@id("a") {ASK};\n@id {ASK};\n@id("") {ASK};\n@id("a b") {ASK};\n@id("policy0") {ASK};'
    found = policy_faults(workspace(text, f'@id("a") {ASK};'))
    assert [(each.path, each.line, each.column, each.message) for each in found] == [
        ("policies/a.cedar", 2, 2, 'the id "a/a" stands on line 1 already'),
        ("policies/a.cedar", 3, 2, "this id cannot stand in a record"),
        ("policies/a.cedar", 4, 2, "this id cannot stand in a record"),
        ("policies/a.cedar", 5, 2, "this id cannot stand in a record"),
    ]
    later = policy_faults(workspace(f'{ASK};\n@id("policy0") {ASK};'))
    assert [each.message for each in later] == ['the id "a/policy0" stands on line 1 already']


def test_obligations_are_not_promised() -> None:
    assert faults(f'@id("a") @obligation("cite")\n{ASK};')[0][:3] == (
        1,
        11,
        "obligations of policies are not enforced here, so none is accepted",
    )


def test_text_that_reads_otherwise_than_it_works() -> None:
    text = f"// allowed\u202e ;)\n{ASK};"
    assert faults(text)[0][:3] == (1, 11, "this character changes the order in which the text is shown")


def test_a_broken_policy_does_not_hide_the_next() -> None:
    text = f"permit (principal;\n{PLACE} when {{ context.tant }};\n{ASK} when {{ foo }};\n"
    assert [line for line, *_ in faults(text)] == [1, 2, 3]


def test_nothing_is_said_about_names_in_files_that_cannot_be_read() -> None:
    text = 'permit (principal in Group::"default/nobody", action == Action::"ask", resource == Service::"gone");\n'
    text += 'permit (principal in Tenant::"gone", action == Action::"place", resource in Placement::"gone");'
    every = workspace(text)
    assert len(policy_faults(every)) == 4
    assert len(policy_faults(every, {"people.yaml"})) == 3
    assert len(policy_faults(every, {"people.yaml", "services/gone.yaml"})) == 2
    assert policy_faults(every, {"headrace.yaml", "services/gone.yaml"}) == []


def test_the_check_of_a_workspace_holds_its_policies_too(tmp_path: Path) -> None:
    text = f'{ASK} when {{ context.sensitivty > 1 }};\npermit (principal in Group::"default/suport", action, resource);\n'
    found = check(lay(tmp_path, policies__base_cedar=text), models=built_in(), policy_faults=policy_faults)
    assert found.workspace is None
    assert lines(found.faults) == [
        'policies/base.cedar:1:70  attribute "sensitivty" does not exist in the context of ask; it has: none',
        '                          Only place has sensitivity: write action == Action::"place" in the head.',
        'policies/base.cedar:2:29  unknown group "default/suport"',
        '                          Did you mean "default/support"?',
    ]
    (tmp_path / "people.yaml").write_text(FILES["people.yaml"] + "applicatons: []\n")
    found = check(tmp_path, models=built_in(), policy_faults=policy_faults)
    assert [(each.path, each.line) for each in found.faults] == [("people.yaml", 10), ("policies/base.cedar", 1)]


def test_the_schema_says_what_cedar_takes() -> None:
    spoken = schema.spoken()
    assert len(spoken.attributes) == schema.text().count("\nentity ")
    assert len(spoken.contexts) == schema.text().count("\naction ")
    for action, names in spoken.contexts.items():
        for kind in spoken.resources[action]:
            head = f'permit (principal, action == Action::"{action}", resource is {kind})'
            assert cedar.told(f"{head};") == []
            for name in names:
                assert cedar.told(f"{head} when {{ context has {name} && context.{name} == context.{name} }};") == []
    for kind, names in spoken.attributes.items():
        for name in names:
            assert cedar.told(f"permit (principal is {kind}, action, resource) when {{ principal.{name} == principal.{name} }};") == []


def test_the_schema_is_published(tmp_path: Path) -> None:
    path = schema.publish(tmp_path)
    assert path.read_text() == schema.text()
    before = path.stat().st_mtime_ns
    assert schema.publish(tmp_path).stat().st_mtime_ns == before
    path.write_text("older")
    assert schema.publish(tmp_path).read_text() == schema.text()


def test_every_fault_stands_in_its_file() -> None:
    for text in (*SYNTAX, *MEANING, *NAMES):
        for fault in policy_faults(workspace(text)):
            assert isinstance(fault, Fault)
            assert 1 <= fault.line <= text.count("\n") + 1
            assert 1 <= fault.column <= len(text.split("\n")[fault.line - 1]) + 1
    assert statements(";;")[1].start == 1
