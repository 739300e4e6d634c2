"""The Merkle tree, compared with the recursive definitions of RFC 9162."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unseen_service.tlog import merkle

# The test vectors of Certificate Transparency implementations: leaves and roots.
CT_LEAVES = [
    bytes.fromhex(each)
    for each in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
CT_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


class Kept:
    """A tree grown leaf by leaf, with the nodes that the store keeps."""

    def __init__(self, leaves: list[bytes]) -> None:
        self.peaks: list[bytes] = []
        self.nodes: dict[merkle.Subtree, bytes] = {}
        for size, leaf in enumerate(leaves):
            self.peaks, new = merkle.grow(size, self.peaks, merkle.leaf_hash(leaf))
            for level, node in enumerate(new):
                self.nodes[level, size >> level] = node

    def hashes(self, spans: list[merkle.Span]) -> list[bytes]:
        return [merkle.span_hash(span, self.nodes.__getitem__) for span in spans]


def split(n: int) -> int:
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def mth(leaves: list[bytes]) -> bytes:
    """Return the Merkle tree hash as RFC 9162, 2.1.1, defines it."""
    if not leaves:
        return sha256().digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    k = split(len(leaves))
    return sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def path(m: int, leaves: list[bytes]) -> list[bytes]:
    """Return the inclusion path as RFC 9162, 2.1.3.1, defines it."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def subproof(m: int, leaves: list[bytes], known: bool) -> list[bytes]:
    """Return the consistency subproof as RFC 9162, 2.1.4.1, defines it."""
    if m == len(leaves):
        return [] if known else [mth(leaves)]
    k = split(len(leaves))
    if m <= k:
        return [*subproof(m, leaves[:k], known), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], False), mth(leaves[:k])]


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_match_the_certificate_transparency_vectors(size: int) -> None:
    assert merkle.fold(Kept(CT_LEAVES[:size]).peaks).hex() == CT_ROOTS[size - 1]


def test_empty_tree_has_the_root_of_rfc_9162() -> None:
    assert merkle.fold([]) == mth([]) == merkle.EMPTY


def test_every_proof_of_small_trees_matches_rfc_9162() -> None:
    leaves = [bytes([n]) for n in range(24)]
    kept = Kept(leaves)
    for size in range(1, len(leaves) + 1):
        beginning = leaves[:size]
        assert kept.hashes([(0, size)]) == [mth(beginning)]
        for index in range(size):
            assert kept.hashes(merkle.inclusion(index, size)) == path(index, beginning)
        for first in range(1, size + 1):
            expected = subproof(first, beginning, True)
            assert kept.hashes(merkle.consistency(first, size)) == expected


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=300), st.data())
def test_random_trees_and_proofs_match_rfc_9162(leaves: list[bytes], data: st.DataObject) -> None:
    kept = Kept(leaves)
    assert merkle.fold(kept.peaks) == mth(leaves)
    assert len(kept.peaks) == len(leaves).bit_count()
    index = data.draw(st.integers(0, len(leaves) - 1))
    assert kept.hashes(merkle.inclusion(index, len(leaves))) == path(index, leaves)
    first = data.draw(st.integers(1, len(leaves)))
    assert kept.hashes(merkle.consistency(first, len(leaves))) == subproof(first, leaves, True)


@given(st.integers(1, 1 << 62), st.data())
def test_number_of_subtrees_in_a_proof_is_logarithmic(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    spans = merkle.inclusion(index, size)
    assert len(spans) <= size.bit_length()
    assert sum(end - start for start, end in spans) == size - 1
    subtrees = [each for span in spans for each in merkle.peaks_of(span)]
    assert sum(1 << level for level, _ in subtrees) == size - 1
    assert len(subtrees) <= 2 * size.bit_length()
