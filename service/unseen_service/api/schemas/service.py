"""Schemas of what a service offers."""

from typing import Literal

from pydantic import BaseModel, Field

from ...models.hashes import View
from .cases import MAX_CASE_IMAGES, MAX_IMAGE_HASHES
from .match import MAX_GROUP_HASHES, MAX_MATCH_HASHES, MAX_MATCH_IMAGES


class ServiceLimitsOut(BaseModel):
    """The largest requests."""

    body_bytes: int = Field(description="Bytes of a request's body.")
    case_images: int = Field(default=MAX_CASE_IMAGES, description="Images of a case.")
    image_hashes: int = Field(default=MAX_IMAGE_HASHES, description="Hashes of a case's image.")
    match_hashes: int = Field(default=MAX_MATCH_HASHES, description="Hashes of a lookup.")
    match_images: int = Field(default=MAX_MATCH_IMAGES, description="Images of a lookup.")
    match_image_hashes: int = Field(
        default=MAX_GROUP_HASHES, description="Hashes of an image of a lookup."
    )
    max_distance: int = Field(description="The radius of a match, in bits.")


class ServiceOut(BaseModel):
    """What a service offers. Leave out whatever it does not name."""

    version: str = Field(description="The version of the service.", examples=["0.2.0"])
    views: list[View] = Field(description="The views that an image of a case may have.")
    features: list[Literal["crops", "images"]] = Field(
        description="`crops`: submissions may contain crops. `images`: `POST /v1/match` takes "
        "images by several hashes each. More will follow; ignore those that you do not know."
    )
    limits: ServiceLimitsOut
