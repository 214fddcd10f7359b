"""Pages from templates. Everything that is put into one is escaped; the few pieces of HTML that code makes say so by their type."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final, cast

from jinja2 import Environment, PackageLoader, StrictUndefined

from headrace.app.console import words
from headrace.app.console.assets import assets
from headrace.app.requests.drafts import drafted
from headrace.app.requests.figures import duration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jinja2 import Template

FILTERS: Final = {
    "ago": words.ago,
    "amount": words.amount,
    "arrived": words.arrived,
    "bars": words.bars,
    "breakable": words.breakable,
    "count": words.count,
    "drafted": drafted,
    "linked": words.linked,
    "finding": words.finding,
    "duration": duration,
    "moment": words.moment,
    "short": words.short,
    "size": words.size,
    "told": words.told,
    "tokens": words.tokens,
    "visible": words.visible,
}
SHARED: Final[Mapping[str, object]] = {
    "anchor": words.anchor,
    "document_link": words.document_link,
    "form_mode": words.form_mode,
    "mode_words": words.MODES,
    "offer_mode": words.offer_mode,
    "readership": words.readership,
    "text_page": words.text_page,
    "versions_page": words.versions_page,
}


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("headrace.app.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    cast("dict[str, object]", environment.filters).update(FILTERS)
    cast("dict[str, object]", environment.globals).update(SHARED, asset={name: asset.path for name, asset in assets().items()})
    return environment


@cache
def _template(name: str) -> Template:
    return _environment().get_template(name)


def page(name: str, content: Mapping[str, object]) -> str:
    """The page (or part of one) that the template `name` makes of `content`."""
    return _template(name).render(content)
