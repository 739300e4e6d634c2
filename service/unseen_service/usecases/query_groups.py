"""The hashes of a lookup, by image: the parts of one upload count as one query."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from unseen_index import Hits

Queries = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class QueryGroups:
    """Hashes (uint8[n, 32]) in groups: those of group i are `hashes[limits[i]:limits[i + 1]]`.

    limits: int64[g + 1]. Everywhere else in a lookup a group is a query: it has one hit for each
    stored hash, by the nearest of its own.
    """

    hashes: Queries
    limits: Ints

    @classmethod
    def single(cls, hashes: Queries) -> "QueryGroups":
        """Return groups of one hash each."""
        return cls(hashes, np.arange(len(hashes) + 1))

    def __len__(self) -> int:
        return len(self.limits) - 1

    @property
    def are_single(self) -> bool:
        """Whether each group has one hash."""
        return len(self) == len(self.hashes)

    def firsts(self, groups: slice) -> Queries:
        """Return the first hash of each of some groups, that of the whole image."""
        return self.hashes[self.limits[:-1][groups]]

    def of(self, groups: Ints) -> "QueryGroups":
        """Return some of the groups, by their positions."""
        sizes = np.diff(self.limits)[groups]
        limits = np.concatenate(([0], np.cumsum(sizes)))
        rows = np.arange(limits[-1]) + np.repeat(self.limits[groups] - limits[:-1], sizes)
        return QueryGroups(self.hashes[rows], limits)

    def merge(self, found: Hits) -> tuple[Hits, Queries]:
        """Merge the hits of single hashes to those of the groups, and return what each is near.

        `found` has the hits of `hashes`; the result is one of `len(self)` queries. Also returned
        is, for each of its hits, the hash that is nearest: uint8[hits, 32].
        """
        row = np.repeat(np.arange(len(self.hashes)), np.diff(found.limits))
        if self.are_single:
            return found, self.hashes[row]
        group = np.repeat(np.arange(len(self)), np.diff(self.limits))[row]
        order = np.lexsort((row, found.distances, found.ids, group))
        is_first = np.ones(len(order), np.bool_)
        group_and_id = np.stack((group[order], found.ids[order]))
        is_first[1:] = (group_and_id[:, 1:] != group_and_id[:, :-1]).any(axis=0)
        kept = order[is_first]
        kept = kept[np.lexsort((found.ids[kept], found.distances[kept], group[kept]))]
        limits = np.zeros(len(self) + 1, np.int64)
        np.cumsum(np.bincount(group[kept], minlength=len(self)), out=limits[1:])
        more = np.logical_or.reduceat(found.more, self.limits[:-1])
        merged = Hits(limits, found.ids[kept], found.distances[kept], more)
        return merged, self.hashes[row[kept]]
