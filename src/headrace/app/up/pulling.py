"""How a pull of weights tells how far it is: one line in place on a terminal, a line at each quarter elsewhere."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.adapters.weights.sources import Step
    from headrace.adapters.weights.store import Manifest, ModelStore
    from headrace.config.model import Model

MEGABYTE = 1_000_000
_SMALL = 10 * MEGABYTE
_QUARTERS = 4
_HUNDREDTHS = 100
_WORDS = {"wait": "waiting for another pull to end", "build": "building what serves", "fetch": "fetching"}


def megabytes(size: int) -> str:
    """Bytes as a person reads them: whole megabytes, small ones by tenths."""
    return f"{size / MEGABYTE:.{0 if size >= _SMALL else 1}f}"


def pull(store: ModelStore, model: Model, base: Path, *, err: bool = False) -> Manifest:
    """Pull a model and tell how far it is, on standard output or standard error. Raises OperationFailed as the store does.

    `base` is where relative ``file:`` sources start.
    """
    progress = PullProgress(model.model, err=err)
    try:
        return store.pull(model, progress, base=base)
    finally:
        progress.close()


class PullProgress:
    """Hears the steps of one pull, and shows those that say something new."""

    def __init__(self, name: str, *, err: bool = False) -> None:
        self._name = name
        self._err = err
        self._terminal = (sys.stderr if err else sys.stdout).isatty()
        self._shown = ("", "", -1)

    def __call__(self, step: Step) -> None:
        """Hear of a step. A count never goes back; on a terminal each file and each source counts for itself."""
        parts = _HUNDREDTHS if self._terminal else _QUARTERS
        here = min(step.done, step.total)  # a package holds more than the file that is wanted
        reached = parts * here // step.total if step.total else 0
        now = (step.doing, step.what if self._terminal else "", reached)
        if self._shown[:2] == now[:2] and reached <= self._shown[2]:
            return
        self._shown = now
        done = f"  {megabytes(here)} of {megabytes(step.total)} MB" if step.total else ""
        self._say(f"{'models':<11}{self._name}  {_WORDS[step.doing]} {step.what if step.doing == 'fetch' else ''}".rstrip() + done)

    def close(self) -> None:
        """Wipe the line that stands on the terminal."""
        if self._terminal and self._shown[2] >= 0:
            click.echo("\r\x1b[K", nl=False, err=self._err)

    def _say(self, line: str) -> None:
        if self._terminal:
            click.echo(f"\r{line}\x1b[K", nl=False, err=self._err)
        else:
            click.echo(line, err=self._err)
