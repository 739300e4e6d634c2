"""The views of an image: the only place in this client that lists them.

PDQ does not recognise a mirrored or rotated copy: its hash differs in about 128 bits, like that of
any other image. The owner of an image therefore hashes its views too. The order and the names are
shared with the service and the other clients by tests/contract/pixels/views.json.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .pixels import Pixels

# Each view as a slice of the upright or the transposed pixels. `turn` is clockwise; a view that is
# mirrored (left and right exchanged) is mirrored first and turned afterwards.
_TRANSFORMS: "Final[Mapping[str, Callable[[Pixels, Pixels], Pixels]]]" = {
    "original": lambda upright, _: upright,
    "mirror": lambda upright, _: upright[:, ::-1],
    "turn-90": lambda _, transposed: transposed[:, ::-1],
    "turn-180": lambda upright, _: upright[::-1, ::-1],
    "turn-270": lambda _, transposed: transposed[::-1],
    "mirror-turn-90": lambda _, transposed: transposed[::-1, ::-1],
    "mirror-turn-180": lambda upright, _: upright[::-1],
    "mirror-turn-270": lambda _, transposed: transposed,
}

VIEWS: Final = tuple(_TRANSFORMS)
"""The names of the views, in the order in which they are sent."""


def iterate_views(pixels: "Pixels") -> "Iterator[tuple[str, Pixels]]":
    """Yield the name and the pixels of each view, in the order of `VIEWS`.

    `pixels` is RGB, shape (height, width, 3), dtype uint8; so is each view, with height and width
    exchanged after a quarter turn. Only one copy is made; most views share memory.
    """
    # pdqhash reads row by row and ignores strides, so a transposed image has to be copied. It puts
    # reversed rows and columns in order itself, while it converts to luma.
    transposed = pixels.transpose(1, 0, 2).copy()
    for name, transform in _TRANSFORMS.items():
        yield name, transform(pixels, transposed)
