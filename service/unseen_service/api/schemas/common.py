"""What several schemas share."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Pdq = Annotated[
    str,
    Field(pattern=r"^[0-9a-fA-F]{64}$", description="A PDQ hash: 256 bits as 64 hex digits."),
]


class RequestModel(BaseModel):
    """The base of request bodies: no unknown fields, no conversion between types.

    An enum or UUID field needs `strict=False`: in JSON its value is a string.
    """

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)
