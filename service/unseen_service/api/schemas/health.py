"""Schemas of health."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field


class ReasonOut(BaseModel):
    """Something that is wrong with the worker."""

    code: Literal[
        "loading", "cut-off", "stale", "behind", "cannot-write", "key-missing", "newer-schema"
    ] = Field(
        description="`loading`: the index is not loaded yet. `cut-off`: PostgreSQL has been "
        "unavailable for a short time; the worker is still ready. `stale`: PostgreSQL has been "
        "unavailable for too long. `behind`: changes have not been applied for too long. "
        "`cannot-write`: submissions and lookups with a hit fail; other requests are answered, so "
        "the worker is still ready. `key-missing`: this host lacks the key that the database is "
        "encrypted with. `newer-schema`: a newer version has migrated the database; a "
        "worker that served before is still ready, one that started since is not."
    )
    detail: str = Field(description="The same for people. Numbers only on the operator's address.")
    hashes: int | None = Field(default=None, description="Number of hashes loaded so far.")
    of: int | None = Field(default=None, description="Approximate number of hashes to load.")
    entries: int | None = Field(default=None, description="Number of changes not yet applied.")
    since: datetime | None = Field(default=None, description="When PostgreSQL last responded.")
    seconds: float | None = Field(default=None, description="How long this has lasted.")


class ReadyOut(BaseModel):
    """Whether requests should be sent to this worker."""

    status: Literal["ready", "not-ready"]
    reasons: list[ReasonOut] = Field(description="What is wrong; empty if nothing is.")
    generation: int | None = Field(
        default=None,
        description="The position up to which the index has applied the change log. Only on the "
        "operator's address.",
    )
    hashes: int | None = Field(
        default=None,
        description="Number of hashes in the index. Only on the operator's address.",
    )


class AliveOut(BaseModel):
    """The worker is alive."""

    status: Literal["alive"]
