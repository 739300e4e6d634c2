"""One set of vectors of the audit log: the service makes them, the client verifies them."""

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from unseen.audit import (
    AuditBrokenError,
    Checkpoint,
    leaf_hash,
    read_checkpoint,
    verify_consistency,
    verify_export,
    verify_inclusion,
)
from unseen.errors import InputError
from unseen_service.models.audit import AuditEntry
from unseen_service.tlog import chain, checkpoint, merkle
from unseen_service.tlog.note import Signer
from unseen_service.usecases.audit_log import export_lines, last_line

from tests.contract.audit.make import NAME, SEED, VECTORS, vectors

KEPT: dict[str, Any] = json.loads(VECTORS.read_text())
VERIFIER: str = KEPT["verifier"]
CHECKPOINTS = [read_checkpoint(note, VERIFIER) for note in KEPT["checkpoints"]]


def entries() -> list[AuditEntry]:
    """Read the vectors as the service has them in its database."""
    found, peaks = [], b""
    for each in KEPT["entries"]:
        fields = {**each, "at": datetime.fromisoformat(each["at"])}
        digest = bytes.fromhex(fields.pop("digest"))
        entry = AuditEntry(**fields, digest=digest, nodes=b"")
        peaks, nodes = chain.grow_tree(entry.position - 1, peaks, chain.canonical(entry))
        found.append(replace(entry, nodes=nodes))
    return found


def export() -> list[bytes]:
    last = last_line(KEPT["checkpoints"][-1])
    return [*export_lines(entries()).splitlines(keepends=True), last]


def test_the_vectors_are_what_the_definitions_give() -> None:
    assert vectors() == KEPT


def test_the_service_gives_the_same_digests_leaves_roots_and_signatures() -> None:
    walk, signer = chain.LogVerifier(), Signer(NAME, SEED)
    assert signer.public_key.encode() == VERIFIER
    for entry, leaf, note in zip(entries(), KEPT["leaves"], KEPT["checkpoints"], strict=True):
        walk.verify([entry])
        assert merkle.leaf_hash(chain.canonical(entry)).hex() == leaf
        assert signer.sign(checkpoint.Checkpoint(NAME, walk.position, walk.root).encode()) == note


def test_the_service_gives_the_same_paths() -> None:
    nodes = {}
    for entry in entries():
        for level in range(len(entry.nodes) // 32):
            node = entry.nodes[32 * level : 32 * (level + 1)]
            nodes[level, (entry.position - 1) >> level] = node

    def hashes(spans: list[merkle.Span]) -> list[str]:
        return [merkle.span_hash(span, nodes.__getitem__).hex() for span in spans]

    for each in KEPT["inclusion"]:
        assert hashes(merkle.inclusion(each["index"], each["size"])) == each["path"]
    for each in KEPT["consistency"]:
        assert hashes(merkle.consistency(each["first"], each["second"])) == each["path"]


def test_the_client_verifies_the_services_export() -> None:
    log = verify_export(export(), CHECKPOINTS, verifier=VERIFIER)
    assert (log.entries, log.root) == (7, CHECKPOINTS[-1].root)
    assert log.digest.hex() == KEPT["entries"][-1]["digest"]
    assert [leaf_hash(each).hex() for each in KEPT["entries"]] == KEPT["leaves"]


def test_the_client_finds_every_byte_that_was_changed() -> None:
    lines = export()
    for number, line in enumerate(lines[:-1]):
        for at in range(len(line)):
            changed = line[:at] + bytes([line[at] ^ 1]) + line[at + 1 :]
            with pytest.raises(AuditBrokenError) as found:
                verify_export([*lines[:number], changed, *lines[number + 1 :]])
            assert found.value.position == number + 1


def test_the_client_finds_lines_dropped_repeated_reordered_and_cut_off() -> None:
    lines = export()
    last = len(lines) - 1
    for number in range(last):
        for changed, position in (
            ([*lines[:number], *lines[number + 1 :]], number + 1),
            ([*lines[: number + 1], *lines[number:]], number + 2),
            (lines[:number], number + 1),
            ([*lines[:number], lines[-1]], number + 1),
        ):
            with pytest.raises(AuditBrokenError) as found:
                verify_export(changed)
            assert found.value.position == position
    for number in range(last - 1):
        swapped = [*lines[:number], lines[number + 1], lines[number], *lines[number + 2 :]]
        with pytest.raises(AuditBrokenError) as found:
            verify_export(swapped)
        assert found.value.position == number + 1


@pytest.mark.parametrize("at", range(7))
def test_the_client_finds_a_fork_by_the_checkpoints_that_were_kept(at: int) -> None:
    """Whole in itself and signed with the right key: only who kept a checkpoint can tell."""
    digest, forged, walk = chain.GENESIS, [], chain.LogVerifier()
    peaks = b""
    for number, entry in enumerate(entries()):
        changed = replace(entry, actor="another") if number == at else entry
        content = chain.canonical(changed)
        peaks, nodes = chain.grow_tree(number, peaks, content)
        digest = chain.entry_digest(digest, content)
        forged.append(replace(changed, digest=digest, nodes=nodes))
    walk.verify(forged)
    note = Signer(NAME, SEED).sign(checkpoint.Checkpoint(NAME, 7, walk.root).encode())
    lines = [*export_lines(forged).splitlines(keepends=True), last_line(note)]
    assert verify_export(lines, verifier=VERIFIER).entries == 7
    with pytest.raises(AuditBrokenError) as found:
        verify_export(lines, CHECKPOINTS, verifier=VERIFIER)
    assert found.value.position == at + 1
    proof_of = {(each["first"], each["second"]): each["path"] for each in KEPT["consistency"]}
    claimed = Checkpoint(NAME, 7, walk.root)
    for kept in CHECKPOINTS[at:6]:
        honest = [bytes.fromhex(each) for each in proof_of[kept.size, 7]]
        assert verify_consistency(kept, CHECKPOINTS[6], honest)
        assert not verify_consistency(kept, claimed, honest)


def test_the_client_verifies_every_path_and_no_other() -> None:
    for each in KEPT["inclusion"]:
        index, size, path = each["index"], each["size"], list(map(bytes.fromhex, each["path"]))
        leaf, root = bytes.fromhex(KEPT["leaves"][index]), CHECKPOINTS[size - 1].root
        assert verify_inclusion(leaf, index, size, path, root)
        assert not verify_inclusion(bytes(32), index, size, path, root)
        assert not verify_inclusion(leaf, index, size, [*path, bytes(32)], root)
        assert not verify_inclusion(leaf, index, size, path, bytes(32))
        assert not verify_inclusion(leaf, size, size, path, root)
        for n in range(len(path)):
            assert not verify_inclusion(leaf, index, size, path[:n] + path[n + 1 :], root)
            changed = [*path[:n], bytes(32), *path[n + 1 :]]
            assert not verify_inclusion(leaf, index, size, changed, root)
        for other in set(range(size)) - {index}:
            assert not verify_inclusion(leaf, other, size, path, root)
    for each in KEPT["consistency"]:
        first, second = CHECKPOINTS[each["first"] - 1], CHECKPOINTS[each["second"] - 1]
        path = list(map(bytes.fromhex, each["path"]))
        assert verify_consistency(first, second, path)
        assert not verify_consistency(first, second, [*path, bytes(32)])
        assert not verify_consistency(replace(first, root=bytes(32)), second, path)
        assert not verify_consistency(first, replace(second, root=bytes(32)), path)
        for n in range(len(path)):
            assert not verify_consistency(first, second, path[:n] + path[n + 1 :])
            changed = [*path[:n], bytes(32), *path[n + 1 :]]
            assert not verify_consistency(first, second, changed)


def test_the_client_refuses_a_checkpoint_that_the_key_has_not_signed() -> None:
    other = Signer.generate(NAME)
    foreign = other.sign(KEPT["checkpoints"][-1].partition("\n\n")[0] + "\n")
    for note in (foreign, KEPT["checkpoints"][-1].replace("\n7\n", "\n8\n")):
        with pytest.raises(InputError, match="not signed"):
            read_checkpoint(note, VERIFIER)
    with pytest.raises(InputError, match="public key"):
        read_checkpoint(KEPT["checkpoints"][-1], VERIFIER.replace("vectors", "others"))
    for text in ("", "\n\n", "a\nb\nc\n\n", "a\n1\nnot base64\n\n"):
        with pytest.raises(InputError):
            read_checkpoint(text)
