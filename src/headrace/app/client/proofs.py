"""What a stranger needs to check one answer: the proof bundle of its record, with the text and the salts that only its reader has."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headrace.app.client.api import Api


def bundle_of(api: Api, request: str, text: str, salts: object, asked: Sequence[tuple[str, str]] = ()) -> Mapping[str, object]:
    """The whole bundle of an answer that was given. `asked`: the conversation as it was sent (role and text), to be proven too.

    Raises the API's error.
    """
    prompt = {"prompt": json.dumps([list(each) for each in asked], ensure_ascii=False, separators=(",", ":"))} if asked else {}
    return {**api.proof(request), "text": text, "salts": salts, **prompt}
