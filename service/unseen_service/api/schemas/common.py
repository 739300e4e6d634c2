"""What every shape on the wire has in common."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Pdq = Annotated[str, Field(pattern=r"^[0-9a-fA-F]{64}$", description="A PDQ hash in hex.")]


class Wire(BaseModel):
    """What comes in: exactly the fields that are named, each of its own type."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)
