"""Hashes of crops, at submission: what a client can know about them is checked."""

from collections.abc import Iterator

from ..errors import CropRefused
from ..models.cases import Submission, SubmittedImage
from ..models.hashes import LOWEST_CROP_QUALITY, MOST_FROM_ORIGINAL, View


def refuse_impossible(submission: Submission) -> None:
    """Raise CropRefused if a hash cannot be that of a crop of its image.

    Most crops are as far from their image as any other image, so their bits tell nothing.
    """
    found = [
        (f"images.{i}.hashes.{j}.pdq", why)
        for i, image in enumerate(submission.images)
        for j, why in _impossible(image)
    ]
    if found:
        raise CropRefused(found)


def refuse_all(submission: Submission) -> None:
    """Raise CropRefused if there is any crop: this service does not take them."""
    found = [
        (f"images.{i}.hashes.{j}.pdq", "This service does not take crops.")
        for i, image in enumerate(submission.images)
        for j, each in enumerate(image.hashes)
        if each.view.is_crop
    ]
    if found:
        raise CropRefused(found)


def _impossible(image: SubmittedImage) -> Iterator[tuple[int, str]]:
    original = next((each for each in image.hashes if each.view is View.ORIGINAL), None)
    for j, each in enumerate(image.hashes):
        if not each.view.is_crop:
            continue
        if original is None:
            yield j, "A crop needs the hash of its original."
        elif each.quality < LOWEST_CROP_QUALITY:
            yield j, f"The quality of a crop is at least {LOWEST_CROP_QUALITY}."
        elif (
            each.view is View.CROP_SIDES_2_5
            and _distance(each.pdq, original.pdq) > MOST_FROM_ORIGINAL
        ):
            yield j, "It is too far from the hash of its original."


def _distance(one: bytes, other: bytes) -> int:
    """Return the Hamming distance in bits."""
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()
