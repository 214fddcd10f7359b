"""What comes along: the bill of materials, what is said of advisories, and an installation without a network."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from headrace.adapters.weights.catalogue import built_in
from tests.support.installation import ROOT

if TYPE_CHECKING:
    from pathlib import Path

LOCK = ROOT / "requirements" / "base.lock"
JUDGE = """
import datetime as dt, json, sys
sys.path.insert(0, "tools")
from advisories import judge
report, let, today = json.load(sys.stdin)
let = [{**each, "until": dt.date.fromisoformat(each["until"])} for each in let]
print(json.dumps(judge(report, let, dt.date.fromisoformat(today))))
"""
TODAY = dt.date(2026, 11, 24)


def test_the_bill_of_materials_holds_everything_that_is_locked(tmp_path: Path) -> None:
    for name in ("one.json", "two.json"):
        subprocess.run([sys.executable, "tools/sbom.py", str(tmp_path / name)], cwd=ROOT, check=True, capture_output=True, timeout=60)
    content = (tmp_path / "one.json").read_text()
    assert content == (tmp_path / "two.json").read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(content) is None
    components = json.loads(content)["components"]
    lock = LOCK.read_text()
    pins = re.findall(r"^([a-z0-9][a-z0-9._-]*)==([^ \\\n]+)", lock, re.MULTILINE)
    held = [each for each in components if each["type"] == "library"]
    assert [(each["name"], each["version"]) for each in held] == pins
    hashes = {each["content"] for component in held for each in component["hashes"]}
    assert hashes == set(re.findall(r"sha256:([0-9a-f]{64})", lock))
    assert all(each["hashes"] for each in held)
    assert [each["licenses"] for each in held if each["name"] == "starlette"] == [[{"expression": "BSD-3-Clause"}]]
    models = {each["name"]: each for each in components if each["type"] == "machine-learning-model"}
    assert models.keys() == built_in().keys()
    for name, model in built_in().items():
        files = {each["name"]: each["hashes"][0]["content"] for each in models[name]["components"]}
        assert files == {each.file: each.sha256 for each in model.files}
        assert models[name]["licenses"] == [{"license": {"name": model.licence}}]


def judged(*vulns: dict[str, Any], let: list[dict[str, Any]] | None = None) -> tuple[list[str], bool]:
    report = {"dependencies": [{"name": "thing", "version": "1.0", "vulns": list(vulns)}, {"name": "other", "version": "2", "vulns": []}]}
    given = json.dumps([report, let or [], TODAY.isoformat()])
    done = subprocess.run([sys.executable, "-c", JUDGE], input=given, cwd=ROOT, check=True, capture_output=True, text=True, timeout=60)
    lines, failed = json.loads(done.stdout)
    return lines, failed


def test_an_advisory_with_a_fix_fails_unless_it_is_let_through_for_now() -> None:
    """Reports as pip-audit writes them."""
    mended = {"id": "PYSEC-1", "aliases": ["GHSA-x"], "fix_versions": ["1.1"], "description": ""}
    assert judged(mended) == (["thing 1.0: PYSEC-1 is mended in 1.1: make lock UPGRADE=1", "advisories: 2 packages asked about"], True)
    lines, failed = judged({**mended, "fix_versions": []})
    assert (lines[0], failed) == ("thing 1.0: PYSEC-1 has no fix yet", False)
    let = [{"id": "GHSA-x", "reason": "never called", "until": TODAY.isoformat()}]
    lines, failed = judged(mended, let=let)
    assert ("never called" in lines[0], failed) == (True, False)
    lines, failed = judged(mended, let=[{**let[0], "until": (TODAY - dt.timedelta(days=1)).isoformat()}])
    assert ("has passed" in lines[0], failed) == (True, True)
    assert judged(let=let) == (
        ["GHSA-x is let through in advisories.toml and was not met: take it away", "advisories: 2 packages asked about"],
        False,
    )


def test_a_service_that_is_not_reached_fails_nothing() -> None:
    pytest.importorskip("pip_audit", reason="needs pip-audit, which make check installs")
    nowhere = "http://127.0.0.1:9"
    environment = {**os.environ, "HTTPS_PROXY": nowhere, "https_proxy": nowhere, "NO_PROXY": "", "no_proxy": ""}
    done = subprocess.run([sys.executable, "tools/advisories.py"], cwd=ROOT, env=environment, check=False, capture_output=True, text=True,
                          timeout=120)  # fmt: skip
    assert done.returncode == 0
    assert re.fullmatch(r"advisories: the service was not reached, nothing was checked \(.*\)\n", done.stdout), done.stdout


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_an_installation_from_a_bundle_without_a_network(tmp_path: Path) -> None:
    if os.getuid() or shutil.which("unshare") is None or shutil.which("ip") is None:
        pytest.skip("needs a network of its own (unshare --net as root, ip), which is not to be had here")
    bundle, home = tmp_path / "bundle", tmp_path / "home"
    home.mkdir()
    subprocess.run(["make", "bundle", f"OUT={bundle}"], cwd=ROOT, check=True, timeout=1500)
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=bundle, check=True)
    subprocess.run(["tar", "xzf", str(bundle / "headrace.tar.gz"), "-C", str(tmp_path)], check=True)
    python = os.path.dirname(os.path.realpath(sys.executable))  # noqa: PTH120
    environment = {"HOME": str(home), "PATH": f"{python}:/usr/local/bin:/usr/bin:/bin:/usr/sbin", "LANG": "C.UTF-8"}
    command = f"ip link set lo up && exec make up ONCE=1 PORT=0 OFFLINE={bundle}"
    done = subprocess.run(["unshare", "--net", "sh", "-c", command], cwd=tmp_path / "headrace", env=environment, check=False,
                          capture_output=True, text=True, timeout=1500)  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "verified offline" in done.stdout
