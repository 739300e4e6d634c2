"""What several schemas share."""

from typing import Annotated, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, FailFast, Field
from pydantic_core import PydanticCustomError

Item = TypeVar("Item")

Listed = Annotated[list[Item], FailFast()]
"""A list of which only the first wrong item is reported: refusing a large body is cheap."""


Pdq = Annotated[
    str,
    Field(pattern=r"^[0-9a-fA-F]{64}$", description="A PDQ hash: 256 bits as 64 hex digits."),
]


def _literal_true(value: object) -> object:
    if value is not True:
        raise PydanticCustomError("literal_true", "This must be true")
    return value


def _text(value: object) -> object:
    if not isinstance(value, str) or not set(value) & set("Tt "):
        raise PydanticCustomError("no_time", "This is not a date and time, as in RFC 3339")
    return value


LiteralTrue = Annotated[Literal[True], BeforeValidator(_literal_true)]
"""`true` itself: for `Literal[True]` alone, 1 and 1.0 would do, since they equal it."""

Time = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_text)]
"""A time as text: pydantic would also read a number, as Unix time."""


class RequestModel(BaseModel):
    """The base of request bodies: no unknown fields, no conversion between types.

    An enum or UUID field needs `strict=False`: in JSON its value is a string.
    """

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)
