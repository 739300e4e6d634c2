"""The vectors of the audit log: the service computes the same, the client verifies them."""

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

DATA: dict[str, Any] = json.loads(VECTORS.read_text())
VERIFIER: str = DATA["verifier"]
CHECKPOINTS = [read_checkpoint(note, VERIFIER) for note in DATA["checkpoints"]]


def entries() -> list[AuditEntry]:
    """Return the entries of the vectors as the service reads them from its database."""
    read, peaks = [], b""
    for each in DATA["entries"]:
        fields = {**each, "at": datetime.fromisoformat(each["at"])}
        digest = bytes.fromhex(fields.pop("digest"))
        entry = AuditEntry(**fields, digest=digest, nodes=b"")
        peaks, nodes = chain.grow_tree(entry.position - 1, peaks, chain.canonical(entry))
        read.append(replace(entry, nodes=nodes))
    return read


def export() -> list[bytes]:
    last = last_line(DATA["checkpoints"][-1])
    return [*export_lines(entries()).splitlines(keepends=True), last]


def test_the_vectors_are_up_to_date() -> None:
    assert vectors() == DATA


def test_the_service_computes_the_same_leaves_roots_and_signatures() -> None:
    log, signer = chain.LogVerifier(), Signer(NAME, SEED)
    assert signer.public_key.encode() == VERIFIER
    for entry, leaf, note in zip(entries(), DATA["leaves"], DATA["checkpoints"], strict=True):
        log.verify([entry])
        assert merkle.leaf_hash(chain.canonical(entry)).hex() == leaf
        assert signer.sign(checkpoint.Checkpoint(NAME, log.position, log.root).encode()) == note


def test_the_service_computes_the_same_proofs() -> None:
    nodes = {}
    for entry in entries():
        for level in range(len(entry.nodes) // 32):
            node = entry.nodes[32 * level : 32 * (level + 1)]
            nodes[level, (entry.position - 1) >> level] = node

    def hashes(spans: list[merkle.Span]) -> list[str]:
        return [merkle.span_hash(span, nodes.__getitem__).hex() for span in spans]

    for each in DATA["inclusion"]:
        assert hashes(merkle.inclusion(each["index"], each["size"])) == each["path"]
    for each in DATA["consistency"]:
        assert hashes(merkle.consistency(each["first"], each["second"])) == each["path"]


def test_the_client_verifies_the_services_export() -> None:
    log = verify_export(export(), CHECKPOINTS, verifier=VERIFIER)
    assert (log.entries, log.root) == (7, CHECKPOINTS[-1].root)
    assert log.digest.hex() == DATA["entries"][-1]["digest"]
    assert [leaf_hash(each).hex() for each in DATA["entries"]] == DATA["leaves"]


def test_the_client_detects_every_changed_byte() -> None:
    lines = export()
    for number, line in enumerate(lines[:-1]):
        for at in range(len(line)):
            changed = line[:at] + bytes([line[at] ^ 1]) + line[at + 1 :]
            with pytest.raises(AuditBrokenError) as caught:
                verify_export([*lines[:number], changed, *lines[number + 1 :]])
            assert caught.value.position == number + 1


def test_the_client_detects_dropped_repeated_swapped_and_missing_lines() -> None:
    lines = export()
    last = len(lines) - 1
    for number in range(last):
        for changed, position in (
            ([*lines[:number], *lines[number + 1 :]], number + 1),
            ([*lines[: number + 1], *lines[number:]], number + 2),
            (lines[:number], number + 1),
            ([*lines[:number], lines[-1]], number + 1),
        ):
            with pytest.raises(AuditBrokenError) as caught:
                verify_export(changed)
            assert caught.value.position == position
    for number in range(last - 1):
        swapped = [*lines[:number], lines[number + 1], lines[number], *lines[number + 2 :]]
        with pytest.raises(AuditBrokenError) as caught:
            verify_export(swapped)
        assert caught.value.position == number + 1


@pytest.mark.parametrize("at", range(7))
def test_the_client_detects_a_fork_with_earlier_checkpoints(at: int) -> None:
    """The fork is consistent and signed with the right key: only earlier checkpoints reveal it."""
    digest, forged, log = chain.GENESIS, [], chain.LogVerifier()
    peaks = b""
    for number, entry in enumerate(entries()):
        changed = replace(entry, actor="another") if number == at else entry
        content = chain.canonical(changed)
        peaks, nodes = chain.grow_tree(number, peaks, content)
        digest = chain.entry_digest(digest, content)
        forged.append(replace(changed, digest=digest, nodes=nodes))
    log.verify(forged)
    note = Signer(NAME, SEED).sign(checkpoint.Checkpoint(NAME, 7, log.root).encode())
    lines = [*export_lines(forged).splitlines(keepends=True), last_line(note)]
    assert verify_export(lines, verifier=VERIFIER).entries == 7
    with pytest.raises(AuditBrokenError) as caught:
        verify_export(lines, CHECKPOINTS, verifier=VERIFIER)
    assert caught.value.position == at + 1
    proof_of = {(each["first"], each["second"]): each["path"] for each in DATA["consistency"]}
    claimed = Checkpoint(NAME, 7, log.root)
    for kept in CHECKPOINTS[at:6]:
        honest = [bytes.fromhex(each) for each in proof_of[kept.size, 7]]
        assert verify_consistency(kept, CHECKPOINTS[6], honest)
        assert not verify_consistency(kept, claimed, honest)


def test_the_client_accepts_every_proof_and_no_other() -> None:
    for each in DATA["inclusion"]:
        index, size, path = each["index"], each["size"], list(map(bytes.fromhex, each["path"]))
        leaf, root = bytes.fromhex(DATA["leaves"][index]), CHECKPOINTS[size - 1].root
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
    for each in DATA["consistency"]:
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


def test_the_client_refuses_checkpoints_not_signed_by_the_key() -> None:
    other = Signer.generate(NAME)
    foreign = other.sign(DATA["checkpoints"][-1].partition("\n\n")[0] + "\n")
    for note in (foreign, DATA["checkpoints"][-1].replace("\n7\n", "\n8\n")):
        with pytest.raises(InputError, match="not signed"):
            read_checkpoint(note, VERIFIER)
    with pytest.raises(InputError, match="public key"):
        read_checkpoint(DATA["checkpoints"][-1], VERIFIER.replace("vectors", "others"))
    for text in ("", "\n\n", "a\nb\nc\n\n", "a\n1\nnot base64\n\n"):
        with pytest.raises(InputError):
            read_checkpoint(text)
