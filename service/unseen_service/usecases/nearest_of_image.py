"""Of the hits of one image, the nearest: a whole image and its crops are close to one another.

A crop is left out if every image that holds it has a nearer hit. So each image that is hit keeps
one hit at least, whatever others hold: what its case shows does not depend on them.
"""

from collections.abc import Mapping, Set

import numpy as np

from ..store.lookups import MAX_HOLDERS
from .candidates import Candidates


def without_farther_crops(
    kept: Candidates, crops: Set[int], holders: Mapping[int, frozenset[int]]
) -> Candidates:
    """Return candidates (by query, nearest first) without the crops that a nearer hit stands for.

    `holders` are the images that hold each hash; of those that very many hold, not all are known,
    and the crop stays. A hit that is for human review only stands for nothing.
    """
    keep = np.ones(len(kept.query), np.bool_)
    covered: set[int] = set()
    query = -1
    for n, (of, hash_id, marked) in enumerate(
        zip(kept.query.tolist(), kept.hash_id.tolist(), kept.marked.tolist(), strict=True)
    ):
        if of != query:
            query, covered = of, set()
        images = holders.get(hash_id, frozenset())
        if hash_id in crops and len(images) < MAX_HOLDERS and images <= covered:
            keep[n] = False
        elif not marked:
            covered |= images
    return kept.only(keep)
