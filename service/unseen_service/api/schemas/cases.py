"""What the person sends and sees: a submission, a case."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from ...models.cases import Case, ImageStatus
from ...models.feedback import Opinion
from ...models.hashes import View
from .common import Pdq, Wire

MAX_CASE_IMAGES = 1_000
MAX_IMAGE_HASHES = 16


class HashIn(Wire):
    """One hash of one view of an image."""

    pdq: Pdq
    quality: int = Field(ge=0, le=100, description="PDQ's quality; under 50 is refused.")
    view: Annotated[View, Field(strict=False)] = View.ORIGINAL


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
    status: Literal["active", "under_review", "declined", "withdrawn"] = Field(
        description="under_review: set aside until staff have decided; declined: they decided "
        "that it is not matched."
    )
    hashes: int
    matches: int
    last_match_at: datetime | None
    withdrawn_at: datetime | None


class PlatformOut(BaseModel):
    """What one platform was handed, found and said of a case; null is "not yet"."""

    platform: str
    matches: int
    first_match_at: datetime | None
    last_match_at: datetime | None
    delivered_at: datetime | None = Field(description="When it had every hash of the case.")
    feedback: Opinion | None = Field(description="The least settled that it says of one.")
    removed_at: datetime | None = Field(description="When it said that it removed a copy.")
    withdrawal_confirmed_at: datetime | None = Field(
        description="When it had let go of every hash that was withdrawn."
    )


class CaseOut(BaseModel):
    """A case, as its owner sees it."""

    case: str = Field(examples=["UN-7K4M-9QTX"])
    status: Literal["active", "withdrawn"]
    submitted_at: datetime
    withdrawn_at: datetime | None
    images: list[ImageOut]
    platforms: list[PlatformOut]

    @classmethod
    def of(cls, case: Case) -> "CaseOut":
        """Show a case."""
        return cls(
            case=case.number,
            status=_status(case.withdrawn_at),
            submitted_at=case.submitted_at,
            withdrawn_at=case.withdrawn_at,
            images=[_image(image) for image in case.images],
            platforms=[PlatformOut(**asdict(each)) for each in case.platforms],
        )


def _image(image: ImageStatus) -> ImageOut:
    return ImageOut(
        image=image.number,
        status=_image_status(image),
        hashes=image.hashes,
        matches=image.matches,
        last_match_at=image.last_match_at,
        withdrawn_at=image.withdrawn_at,
    )


def _image_status(
    image: ImageStatus,
) -> Literal["active", "under_review", "declined", "withdrawn"]:
    if image.withdrawn_at is not None:
        return "withdrawn"
    if image.under_review:
        return "under_review"
    return "declined" if image.declined else "active"


def _status(withdrawn_at: datetime | None) -> Literal["active", "withdrawn"]:
    return "active" if withdrawn_at is None else "withdrawn"
