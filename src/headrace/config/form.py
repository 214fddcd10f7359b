"""What the forms of the workspace's files are made of: names, and values that carry their units in text."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from headrace.config.units import ByteSize, Duration, Price, read_duration, read_price, read_size

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$", description="Lower-case letters, digits, dot, dash, underscore.")]
Whole = Annotated[int, Field(strict=True)]
"""A whole number; ``"4"`` in quotes and ``true`` are not."""

_DURATION = Annotated[
    str, Field(pattern=r"^[0-9]{1,12}(\.[0-9]{1,12})?\s*(ms|s|min|h|d)$", examples=["500 ms", "20 s", "5 min"], title="Length of time")
]
_SIZE = Annotated[str, Field(pattern=r"^[0-9]{1,12}(\.[0-9]{1,12})?\s*(B|[KMG]i?B)$", examples=["500 KB", "2 MiB"], title="Size")]
_PRICE = Annotated[
    str,
    Field(
        pattern=r"^[0-9]{1,12}(\.[0-9]{1,12})?\s*[A-Z]{3} per (slot-hour|1M (cached )?input tokens|1M output tokens)$",
        examples=["0.02 EUR per slot-hour", "0.15 EUR per 1M input tokens"],
        title="Price",
    ),
]
DurationField = Annotated[Duration, BeforeValidator(read_duration, json_schema_input_type=_DURATION)]
PriceField = Annotated[Price, BeforeValidator(read_price, json_schema_input_type=_PRICE)]
SizeField = Annotated[ByteSize, BeforeValidator(read_size, json_schema_input_type=_SIZE)]


class Form(BaseModel):
    """Unknown words are faults, and a form never changes once read. Files use the aliases (``max tokens``), code either name."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, validate_by_name=True, validate_by_alias=True)
