"""The shapes on the wire, as openapi.yaml has them."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from .. import models

Pdq = Annotated[str, Field(pattern=r"^[0-9a-fA-F]{64}$", description="A PDQ hash in hex.")]
MAX_MATCH_HASHES = 10_000
MAX_CASE_IMAGES = 1_000
MAX_IMAGE_HASHES = 16


class Wire(BaseModel):
    """What comes in: exactly the fields that are named, each of its own type."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class HashIn(Wire):
    """One hash of one view of an image."""

    pdq: Pdq
    quality: int = Field(ge=0, le=100, description="PDQ's quality; under 50 is refused.")
    view: Annotated[models.View, Field(strict=False)] = models.View.ORIGINAL


class ImageIn(Wire):
    """One image: the hashes of its views, and the pixel convention they were made under."""

    hashes: list[HashIn] = Field(min_length=1, max_length=MAX_IMAGE_HASHES)
    convention: str = Field(pattern=r"^[a-z0-9-]{1,64}$", examples=["pdq-srgb-full-1"])


class StatementsIn(Wire):
    """What the person confirms; each must be true."""

    adult: Literal[True] = Field(description="The person shown is 18 or older.")
    depicted: Literal[True] = Field(description="The person shown is the one who submits.")
    without_consent: Literal[True] = Field(description="It is or may be shared without consent.")


class SubmissionIn(Wire):
    """A new case."""

    images: list[ImageIn] = Field(min_length=1, max_length=MAX_CASE_IMAGES)
    statements: StatementsIn
    pin: str = Field(
        max_length=64,
        description="Made on the device: 12 random characters of Crockford's base32, in any "
        "case, with or without hyphens. Only a digest of it is kept.",
        examples=["7K4M-9QTX-2HBD"],
    )


class ImageOut(BaseModel):
    """One image of a case."""

    image: int
    status: Literal["active", "withdrawn"]
    hashes: int
    matches: int
    last_match_at: datetime | None
    withdrawn_at: datetime | None


class PlatformOut(BaseModel):
    """What one platform found of a case."""

    platform: str
    matches: int
    first_match_at: datetime
    last_match_at: datetime


class CaseOut(BaseModel):
    """A case, as its owner sees it."""

    case: str = Field(examples=["UN-7K4M-9QTX"])
    status: Literal["active", "withdrawn"]
    submitted_at: datetime
    withdrawn_at: datetime | None
    images: list[ImageOut]
    platforms: list[PlatformOut]

    @classmethod
    def of(cls, case: models.Case) -> "CaseOut":
        """Show a case."""
        return cls(
            case=case.number,
            status=_status(case.withdrawn_at),
            submitted_at=case.submitted_at,
            withdrawn_at=case.withdrawn_at,
            images=[_image(image) for image in case.images],
            platforms=[
                PlatformOut(
                    platform=each.platform,
                    matches=each.matches,
                    first_match_at=each.first_match_at,
                    last_match_at=each.last_match_at,
                )
                for each in case.platforms
            ],
        )


def _image(image: models.ImageStatus) -> ImageOut:
    return ImageOut(
        image=image.number,
        status=_status(image.withdrawn_at),
        hashes=image.hashes,
        matches=image.matches,
        last_match_at=image.last_match_at,
        withdrawn_at=image.withdrawn_at,
    )


def _status(withdrawn_at: datetime | None) -> Literal["active", "withdrawn"]:
    return "active" if withdrawn_at is None else "withdrawn"


class MatchIn(Wire):
    """A look-up."""

    hashes: list[Pdq] = Field(min_length=1, max_length=MAX_MATCH_HASHES)
    max_distance: int | None = Field(
        default=None, ge=0, le=256, description="In bits; the service's limit unless given."
    )


class HitOut(BaseModel):
    """One stored hash close to one of those asked about."""

    query: int = Field(description="Which of the hashes asked about, from 0.")
    record: str = Field(description="Names the stored hash, without saying what it is.")
    distance: int = Field(description="Hamming distance in bits.")
    view: models.View
    standing: models.Standing


class MatchOut(BaseModel):
    """The hits, by query, nearest first; a hash that is not listed has none."""

    generation: int = Field(description="How far along the change log this was answered.")
    hits: list[HitOut]


class AuditEntryOut(BaseModel):
    """One link of the audit log; docs/audit.md says how its digest is made."""

    position: int
    at: str = Field(examples=["2026-11-22T13:40:00.123456Z"])
    kind: str
    actor: str
    subject: str | None
    details: dict[str, Any]
    digest: str


class AuditHeadOut(BaseModel):
    """How far the log is."""

    position: int
    digest: str


class AuditOut(BaseModel):
    """A page of the audit log; ask again with `after` the last position for the next."""

    entries: list[AuditEntryOut]
    head: AuditHeadOut


class ReadyOut(BaseModel):
    """Whether this worker should be sent requests, and if not, why."""

    status: Literal["ready", "not-ready"]
    reasons: list[str]
    generation: int
    hashes: int


class AliveOut(BaseModel):
    """The worker is alive."""

    status: Literal["alive"]
