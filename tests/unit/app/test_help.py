"""Every command and subcommand says what it does in one line that is not cut off."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from headrace.app.cli.main import COMMANDS, main


@pytest.mark.parametrize("words", [[], *([name] for name in COMMANDS)])
def test_no_line_of_help_is_cut_off(words: list[str]) -> None:
    shown = CliRunner().invoke(main, [*words, "--help"], terminal_width=80)
    assert shown.exit_code == 0
    listed = shown.output.partition("Commands:\n")[2].splitlines()
    assert all(line.endswith(".") and not line.endswith("...") for line in listed), listed
