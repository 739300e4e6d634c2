"""Finds pictures within a picture: what is inside bars, borders, a screenshot or a collage.

Two ways, because neither finds everything. A picture has texture almost everywhere, and the bars
and interfaces around it are flat: the largest textured box. And a picture that was pasted ends in
straight edges: boxes between the straightest edges of the image.
"""

from itertools import combinations
from typing import Final

import numpy as np
import numpy.typing as npt

from .box_pdq import Box

Luma = npt.NDArray[np.float32]
Profile = npt.NDArray[np.floating]

MAX_BOXES: Final = 5
_CELL: Final = 8
"""Pixels of a cell, the unit in which texture is looked for."""
_FLAT: Final = 1.5
"""Steps between neighbouring pixels that a flat area may have, of 255."""
_TEXTURED: Final = 0.3
"""Share of a cell's pixels that are not flat if it is textured."""
_DENSE: Final = 0.6
"""Share of textured cells along a row or column of a picture."""
_EDGE: Final = 8.0
"""A step that an edge has at most of its pixels."""
_STRAIGHT: Final = 0.5
"""Share of strong steps along each side of a picture."""
_EDGES: Final = 6
"""Straightest edges that are tried in each direction."""
_SMALLEST: Final = 0.2
"""Of each axis, what a picture takes at least."""
_WHOLE: Final = 0.96
"""Of the area: a larger box is the whole image."""
_SAME: Final = 0.98
"""Of the area of both: two boxes that share more have nearly the same hash."""


def find_boxes(luma: Luma) -> tuple[Box, ...]:
    """Return up to MAX_BOXES boxes, the most likely ones first, in pixels of `luma`.

    `luma` has the shape (rows, columns); a few hundred of each are enough.
    """
    down, across = _steps(luma, 0), _steps(luma, 1)
    found: list[Box] = []
    for box in (*_textured(down, across), *_edged(down, across)):
        if len(found) < MAX_BOXES and not any(_is_same(box, each) for each in found):
            found.append(box)
    return tuple(found)


def _steps(luma: Luma, axis: int) -> Luma:
    """Return the absolute steps to the pixel before, 0 for the first; same shape as `luma`."""
    steps = np.zeros_like(luma)
    if axis:
        np.abs(luma[:, 1:] - luma[:, :-1], out=steps[:, 1:])
    else:
        np.abs(luma[1:] - luma[:-1], out=steps[1:])
    return steps


# --- texture ----------------------------------------------------------------------------------


def _textured(down: Luma, across: Luma) -> list[Box]:
    rows, columns = down.shape
    high, wide = rows // _CELL, columns // _CELL
    if min(high, wide) < 8:
        return []
    busy = (down > _FLAT) | (across > _FLAT)
    cells = busy[: high * _CELL, : wide * _CELL].reshape(high, _CELL, wide, _CELL)
    textured = cells.mean(axis=(1, 3), dtype=np.float32) > _TEXTURED
    top, bottom, left, right = 0, high, 0, wide
    for _ in range(3):
        top, bottom = _longest(textured[:, left:right].mean(axis=1))
        left, right = _longest(textured[top:bottom].mean(axis=0))
    box = Box(top * _CELL, left * _CELL, bottom * _CELL, right * _CELL)
    if bottom == high:
        box = box._replace(bottom=rows)
    if right == wide:
        box = box._replace(right=columns)
    box = _refined(box, down, across)
    return [box] if _is_picture(box, down.shape) else []


def _longest(share: Profile) -> tuple[int, int]:
    """Return the longest run of dense rows, with gaps of at most one; all rows if there is none."""
    dense = share >= _DENSE
    closed = dense.copy()
    closed[1:-1] |= dense[:-2] & dense[2:]
    edges = np.flatnonzero(np.diff(np.concatenate(([0], closed.view(np.int8), [0]))))
    if not len(edges):
        return 0, len(share)
    starts, ends = edges[::2], edges[1::2]
    longest = int((ends - starts).argmax())
    return int(starts[longest]), int(ends[longest])


def _refined(box: Box, down: Luma, across: Luma) -> Box:
    """Move each edge to the straightest one within a cell or so."""
    rows, columns = down.shape
    lines = slice(int(box.left), int(box.right))
    profile = down[:, lines].mean(axis=1)
    top, bottom = (_nearest_edge(profile, int(at), rows) for at in (box.top, box.bottom))
    lines = slice(int(box.top), int(box.bottom))
    profile = across[lines].mean(axis=0)
    left, right = (_nearest_edge(profile, int(at), columns) for at in (box.left, box.right))
    return Box(top, left, bottom, right)


def _nearest_edge(profile: Profile, at: int, end: int) -> int:
    reach = _CELL + 4
    if at < reach // 2:
        first, last = 0, reach
    elif at > end - reach // 2:
        first, last = end - reach, end
    else:
        first, last = max(1, at - reach), min(end, at + reach + 1)
    window = profile[first:last]
    strongest = int(window.argmax())
    if window[strongest] > 3 * np.median(profile) and window[strongest] > _EDGE / 2:
        return first + strongest
    return at


# --- straight edges ---------------------------------------------------------------------------


def _edged(down: Luma, across: Luma) -> list[Box]:
    """Return boxes whose sides are straight edges or the image's own, the best ones first."""
    rows, columns = down.shape
    flat, upright = _straightest(down, 1), _straightest(across, 0)
    # For each edge, the number of strong steps along it from its start on.
    along_flat = {edge: np.cumsum(down[edge] > _EDGE, dtype=np.int64) for edge in flat}
    along_upright = {edge: np.cumsum(across[:, edge] > _EDGE, dtype=np.int64) for edge in upright}
    scored = []
    for top, bottom in combinations([0, *flat, rows], 2):
        for left, right in combinations([0, *upright, columns], 2):
            box = Box(top, left, bottom, right)
            if not _is_picture(box, down.shape):
                continue
            sides = [
                *(
                    _share(along_flat[each], left, right)
                    for each in (top, bottom)
                    if each in along_flat
                ),
                *(
                    _share(along_upright[each], top, bottom)
                    for each in (left, right)
                    if each in along_upright
                ),
            ]
            if min(sides) > _STRAIGHT:
                area = box.height * box.width / (rows * columns)
                scored.append((min(sides) + 0.15 * len(sides) + 0.2 * area, box))
    return [box for _, box in sorted(scored, reverse=True)]


def _straightest(steps: Luma, axis: int) -> list[int]:
    """Return the rows (axis 1) or columns (axis 0) with the most strong steps, in order."""
    share = (steps > _EDGE).mean(axis=axis)
    share[:2] = share[-2:] = 0
    around = (np.roll(share, 3) + np.roll(share, -3)) / 2
    excess = share - around
    found: list[int] = []
    for at in np.argsort(-excess)[: 4 * _EDGES]:
        if len(found) < _EDGES and excess[at] > 0.1 and all(abs(at - each) > 3 for each in found):
            found.append(int(at))
    return sorted(found)


def _share(sums: npt.NDArray[np.int64], first: int, last: int) -> float:
    """Return the share of strong steps along a part of an edge."""
    return float(sums[last - 1] - sums[first]) / max(1, last - first - 1)


# --- boxes ------------------------------------------------------------------------------------


def _is_picture(box: Box, shape: tuple[int, ...]) -> bool:
    rows, columns = shape
    if box.height < _SMALLEST * rows or box.width < _SMALLEST * columns:
        return False
    return box.height * box.width < _WHOLE * rows * columns


def _is_same(one: Box, other: Box) -> bool:
    height = min(one.bottom, other.bottom) - max(one.top, other.top)
    width = min(one.right, other.right) - max(one.left, other.left)
    if height <= 0 or width <= 0:
        return False
    shared = height * width
    return shared > _SAME * (one.height * one.width + other.height * other.width - shared)
