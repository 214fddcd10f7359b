"""Who may know whom. `make check` holds the layers by what is imported when the product runs; here also by what only types need."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.architecture.house import Module, product, resolved

if TYPE_CHECKING:
    from collections.abc import Iterator

PLANES = ("policy", "guardrails", "knowledge", "routing", "finops")
PLANES_MAY_USE = {"core", "config", "ipc"}
CHOOSES_DRIVERS = {
    "headrace.app.wiring": "the gateway's rooms",
    "headrace.app.inside.deployments": "the models behind deployments",
    "headrace.app.revisions": "the control store",
    "headrace.app.acts.changes": "the control store, and bringing it up to date",
    "headrace.app.acts.checking": "the catalogue of models",
    "headrace.app.people.signing_in": "the provider that people sign in with",
    "headrace.app.up.preparation": "the model store",
    "headrace.app.up.pulling": "the model store",
    "headrace.app.ingest.watcher": "watching folders",
    "headrace.app.ingest.passes": "a pass: sources, converters, embedder, vector store",
    "headrace.app.search.drivers": "the knowledge process: embedder and vector store",
    "headrace.app.processes.engine": "the engine's process",
    "headrace.app.cli.models": "the model store",
    "headrace.app.backup.snapshot": "databases, to copy them",
    "headrace.app.backup.restoring": "the control store's version",
    "headrace.app.doctor.folder": "where the model store is",
    "headrace.app.doctor.machine": "what the engine needs of a machine, and the sizes of models",
    "headrace.app.doctor.stores": "every store, to look at it",
    "headrace.app.doctor.subject": "the control store, to look at it",
}
"""The only modules that import drivers, and what for."""
HEAVY = ("lancedb", "pyarrow", "numpy", "onnx", "onnxruntime", "tokenizers", "xllamacpp", "kreuzberg", "alembic", "ruamel", "rich", "dbos")
CLEAN_TEXT_IS_MADE_IN = {"headrace.guardrails.door", "headrace.guardrails.window"}


def package(name: str) -> str:
    """``headrace.policy.keys`` is of ``policy``."""
    return name.split(".")[1] if name.startswith("headrace.") else ""


def modules_of(*packages: str) -> Iterator[Module]:
    return (module for module in product() if package(module.name) in packages)


def test_planes_meet_only_in_the_pipeline() -> None:
    known = [
        f"{module.place}:{each.line} {each.name}"
        for module in modules_of(*PLANES)
        for each in module.imports()
        if each.name.startswith("headrace.") and package(each.name) not in {package(module.name), *PLANES_MAY_USE}
    ]
    assert known == []


def test_core_is_the_standard_library_alone() -> None:
    outside = [
        f"{module.place}:{each.line} {each.name}"
        for module in modules_of("core")
        for each in module.imports()
        if each.name.split(".")[0] not in sys.stdlib_module_names and not each.name.startswith("headrace.core.")
    ]
    assert outside == []


def test_only_wiring_and_processes_choose_drivers() -> None:
    choosing = {
        module.name
        for module in product()
        if package(module.name) != "adapters" and any(package(each.name) == "adapters" and not each.typing for each in module.imports())
    }
    assert choosing <= CHOOSES_DRIVERS.keys(), "a module that chooses a driver stands in the list, with what it needs it for"


def test_no_import_runs_in_a_circle() -> None:
    uses = {
        module.name: {resolved(each.name) for each in module.imports() if not each.typing and not each.inside} - {"", module.name}
        for module in product()
    }
    left = dict(uses)
    while leaves := [name for name, used in left.items() if not used & left.keys()]:
        for name in leaves:
            del left[name]
    assert {name: sorted(used & left.keys()) for name, used in left.items()} == {}


def test_a_stage_is_one_run() -> None:
    line = next(module for module in product() if module.name == "headrace.pipeline.line")
    stages = [each.name for each in line.imports() if each.name.count(".") == 2 and each.name.startswith("headrace.pipeline.")]
    assert len(stages) >= 9
    runs = {module.name: [function.name for function in module.functions()].count("run") for module in product() if module.name in stages}
    assert runs == dict.fromkeys(stages, 1)


def test_raw_text_becomes_clean_at_one_door() -> None:
    makers = {module.name for module in product() if "CleanText(" in module.text and package(module.name) not in {"core", "testing"}}
    assert makers <= CLEAN_TEXT_IS_MADE_IN


@pytest.mark.parametrize("entry", ["headrace.app.processes.gateway", "headrace.app.processes.ledger", "headrace.app.processes.ingest"])
def test_processes_that_must_stay_light_load_nothing_heavy(entry: str) -> None:
    code = f"import sys, {entry}; print(*sorted({{name.split('.')[0] for name in sys.modules}} & set({HEAVY!r})))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == ""
