"""Tags: short free text of platforms on a hash, which other platforms see."""

from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from ...models.feedback import MAX_TAG_BYTES, MAX_TAG_CHARACTERS, MAX_TAGS
from ...models.plain_text import is_plain_line
from .common import Listed


def _plain(tag: str) -> str:
    if not is_plain_line(tag):
        raise PydanticCustomError(
            "tag_not_plain", "A tag is one line without invisible or control characters"
        )
    return tag


def _small(tags: list[str]) -> list[str]:
    if sum(len(tag.encode()) for tag in tags) > MAX_TAG_BYTES:
        raise PydanticCustomError(
            "tags_too_large", f"The tags on one hash have at most {MAX_TAG_BYTES} bytes as UTF-8"
        )
    return tags


Tag = Annotated[
    str,
    Field(min_length=1, max_length=MAX_TAG_CHARACTERS, pattern=r"^[^\x00-\x1f\x7f]*$"),
    AfterValidator(_plain),
]
Tags = Annotated[Listed[Tag], Field(max_length=MAX_TAGS), AfterValidator(_small)]
