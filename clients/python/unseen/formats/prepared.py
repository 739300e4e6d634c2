"""What a file's pixels depend on."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a frame lies on its canvas, in pixels; around it the canvas is transparent."""

    canvas: tuple[int, int]
    """Width and height."""
    at: tuple[int, int]
    """The left and the upper edge of the frame."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A file for a decoder, and what to apply to the pixels that it decodes."""

    data: bytes
    """The encoded image, without metadata."""
    orientation: int = 1
    """The EXIF orientation, 1 to 8."""
    profile: bytes | None = None
    """The ICC profile, which may turn out to be unusable."""
    frame: Frame | None = None
    """None: the image covers its canvas."""
    has_end: bool = True
    """Whether the file goes on to its end; if not, `data` has been given one."""
