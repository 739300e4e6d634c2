"""`unseen audit witness`: it signs a log that grows, and nothing else, whatever is sent to it."""

import base64
import json
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from unseen.audit import PublicKey, WitnessKey, read_checkpoint
from unseen.audit.witness import MAX_BODY_BYTES, Reply, Witness
from unseen.audit.witness_server import WitnessServer
from unseen.errors import InputError
from unseen_service.tlog import merkle
from unseen_service.tlog.checkpoint import Checkpoint
from unseen_service.tlog.cosignature import WitnessKey as ServiceWitnessKey
from unseen_service.tlog.note import Signer

from tests.support.waiting import wait_until

SIGNER = Signer.generate("unseen-audit/test")
OTHER = Signer.generate("unseen-audit/other")
NOW = 1_800_000_000


class Log:
    """A log of numbered entries that may differ from `fork` on; its notes and proofs."""

    def __init__(self, fork: int | None = None, signer: Signer = SIGNER) -> None:
        self.fork = fork
        self.signer = signer

    def _leaf(self, index: int) -> bytes:
        kind = "y" if self.fork is not None and index >= self.fork else "x"
        return merkle.leaf_hash(f"{kind}{index}".encode())

    def _hash(self, span: merkle.Span) -> bytes:
        def lookup(subtree: merkle.Subtree) -> bytes:
            level, index = subtree
            if not level:
                return self._leaf(index)
            halves = [lookup((level - 1, 2 * index)), lookup((level - 1, 2 * index + 1))]
            return merkle.node_hash(*halves)

        return merkle.span_hash(span, lookup)

    def note(self, size: int) -> str:
        root = self._hash((0, size)) if size else merkle.EMPTY
        return self.signer.sign(Checkpoint(self.signer.name, size, root).encode())

    def proof(self, old: int, size: int) -> list[bytes]:
        if not 0 < old < size:
            return []
        return [self._hash(span) for span in merkle.consistency(old, size)]

    def request(self, old: int, size: int, path: Sequence[bytes] | None = None) -> bytes:
        path = self.proof(old, size) if path is None else path
        lines = [f"old {old}", *(base64.b64encode(each).decode() for each in path)]
        return ("\n".join(lines) + "\n\n" + self.note(size)).encode()


@contextmanager
def new_witness(folder: Path | None = None) -> Iterator[Witness]:
    with TemporaryDirectory() as temporary:
        logs = [PublicKey.parse(SIGNER.public_key.encode())]
        witness = Witness(folder or Path(temporary), logs, "witness.example")
        try:
            yield witness
        finally:
            witness.close()


def is_signed(witness: Witness, reply: Reply, note: str) -> bool:
    """Return whether an answer is this witness's signature, as service and client see it."""
    encoded = witness.key.encode()
    text = note.rpartition("\n\n")[0] + "\n"
    found = ServiceWitnessKey.parse(encoded).find(text, reply.text)
    assert WitnessKey.parse(encoded).signed_at(note + reply.text) == (found and found[1])
    return found is not None


sizes = st.integers(0, 70)


@given(st.lists(sizes, min_size=1, max_size=6))
def test_a_growing_log_is_signed_and_one_set_back_is_not(tried: list[int]) -> None:
    log, known = Log(), 0
    with new_witness() as witness:
        for size in tried:
            reply = witness.add_checkpoint(log.request(known, size), NOW)
            if size >= known:
                assert reply.status == 200
                assert is_signed(witness, reply, log.note(size))
                known = size
            else:
                assert reply.status == 400
                old = witness.add_checkpoint(log.request(size, size), NOW)
                assert (old.status, old.text) == (409, f"{known}\n")
                assert old.media_type == "text/x.tlog.size"


@given(st.integers(1, 70), st.integers(0, 40), st.data())
def test_a_fork_is_never_signed(known: int, more: int, data: st.DataObject) -> None:
    fork = Log(data.draw(st.integers(0, known - 1)))
    with new_witness() as witness:
        assert witness.add_checkpoint(Log().request(0, known), NOW).status == 200
        for path in (None, Log().proof(known, known + more), []):
            reply = witness.add_checkpoint(fork.request(known, known + more, path), NOW)
            assert reply.status == (422 if more else 409)
        assert witness.add_checkpoint(fork.request(0, known + more), NOW).status == 409
        assert witness.add_checkpoint(Log().request(known, known + more), NOW).status == 200


@given(st.integers(1, 70), st.integers(1, 40), st.data())
def test_an_altered_proof_is_refused(known: int, more: int, data: st.DataObject) -> None:
    log, size = Log(), known + more
    path = log.proof(known, size)
    which = data.draw(st.integers(0, len(path) - 1))
    altered = [
        [*path[:which], sha256(path[which]).digest(), *path[which + 1 :]],
        path[:which] + path[which + 1 :],
        [*path, bytes(32)],
        [bytes(32), *path],
    ]
    with new_witness() as witness:
        witness.add_checkpoint(log.request(0, known), NOW)
        for each in altered:
            assert witness.add_checkpoint(log.request(known, size, each), NOW).status == 422
        assert witness.add_checkpoint(log.request(known, size), NOW).status == 200


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_garbage_is_refused(body: bytes) -> None:
    with new_witness() as witness:
        assert witness.add_checkpoint(body, NOW).status == 400
        assert witness.add_checkpoint(b"old 0\n\n" + body, NOW).status in (400, 404)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (lambda body: body.replace(b"old 0", b"old 00"), 400),
        (lambda body: body.replace(b"old 0", b"old -1"), 400),
        (lambda body: body.replace(b"old 0", b"old 0\n" + b"A" * 43 + b"=\n" * 1), 400),
        (lambda body: body.replace(b"old 0", b"old 0" + b"\nAAAA" * 64), 400),
        (lambda body: body.replace(b"old 0", b"old 0\n" + base64.b64encode(bytes(32))), 422),
        (lambda body: body.replace(b"\n5\n", b"\n6\n"), 403),
        (lambda body: body.replace(b"\n5\n", b"\n" + b"9" * 30 + b"\n"), 400),
        (lambda body: body[:-1], 400),
        (lambda _: Log(signer=OTHER).request(0, 5), 404),
        (lambda body: body.replace(b"\nunseen-audit/test\n", b"\nunseen-audit/else\n"), 404),
        (lambda body: body.partition(b"\xe2\x80\x94")[0] + b"\n", 403),
    ],
)
def test_requests_that_are_not_right_are_refused(change: object, status: int) -> None:
    body = Log().request(0, 5)
    with new_witness() as witness:
        assert callable(change)
        assert witness.add_checkpoint(change(body), NOW).status == status
        assert witness.add_checkpoint(body, NOW).status == 200


def test_forged_signature_by_the_same_name_is_refused() -> None:
    forger = Signer.generate(SIGNER.name)
    with new_witness() as witness:
        reply = witness.add_checkpoint(Log(signer=forger).request(0, 3), NOW)
        assert reply.status == 403


def test_memory_survives_and_a_lost_one_is_not_made_again(tmp_path: Path) -> None:
    log = Log()
    with new_witness(tmp_path) as witness:
        witness.add_checkpoint(log.request(0, 9), NOW)
        key = witness.key.encode()
        with pytest.raises(InputError, match="Another witness uses"):
            Witness(tmp_path, [])
    with new_witness(tmp_path) as witness:
        assert witness.key.encode() == key
        assert witness.add_checkpoint(log.request(0, 4), NOW).status == 409
    modes = {each.name: each.stat().st_mode & 0o777 for each in tmp_path.iterdir()}
    assert set(modes.values()) == {0o600}
    for name in ("witness.json", "witness.key"):
        content = (tmp_path / name).read_bytes()
        for damage in (None, b"", b"[]", b'{"a": 1}', content[: len(content) // 2]):
            (tmp_path / name).unlink(missing_ok=True)
            if damage is not None:
                (tmp_path / name).write_bytes(damage)
            with pytest.raises(InputError, match="has lost its"), new_witness(tmp_path):
                pass
        (tmp_path / name).write_bytes(content)


def test_signature_leaves_only_after_the_memory_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Log()
    with new_witness(tmp_path) as witness:
        with monkeypatch.context() as patched, pytest.raises(OSError, match="full"):
            patched.setattr("os.fsync", _fail)
            witness.add_checkpoint(log.request(0, 5), NOW)
        assert json.loads((tmp_path / "witness.json").read_text()) == {}
        assert witness.add_checkpoint(log.request(0, 3), NOW).status == 200


def _fail(_: int) -> None:
    raise OSError(28, "disk full")


@pytest.fixture
def server() -> Iterator[WitnessServer]:
    with new_witness() as witness, WitnessServer(("127.0.0.1", 0), witness, seconds=2) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def post(server: WitnessServer, body: bytes, **headers: str) -> httpx.Response:
    url = f"http://127.0.0.1:{server.server_address[1]}/any/prefix/add-checkpoint"
    return httpx.post(url, content=body, headers=headers, timeout=20)


def test_witness_speaks_http(server: WitnessServer) -> None:
    log = Log()
    signed = post(server, log.request(0, 5))
    assert signed.status_code == 200
    note = log.note(5) + signed.text
    assert server.witness.key.signed_at(note) is not None
    assert read_checkpoint(note, SIGNER.public_key.encode()).size == 5
    conflict = post(server, log.request(0, 9))
    assert (conflict.status_code, conflict.text) == (409, "5\n")
    assert conflict.headers["content-type"] == "text/x.tlog.size"
    assert post(server, b"x" * (MAX_BODY_BYTES + 1)).status_code == 413
    address = f"http://127.0.0.1:{server.server_address[1]}"
    assert httpx.post(f"{address}/other", content=b"").status_code == 404
    assert httpx.get(f"{address}/add-checkpoint").status_code == 501


def test_slow_and_many_connections_do_not_keep_others_out(server: WitnessServer) -> None:
    address = ("127.0.0.1", server.server_address[1])
    slow = [socket.create_connection(address) for _ in range(60)]
    for each in slow:
        with_head = b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: 100\r\n\r\nold"
        try:
            each.sendall(with_head)
        except OSError:
            continue

    def is_served() -> bool:
        try:
            return post(server, Log().request(0, 5)).status_code in (200, 409)
        except httpx.TransportError:
            return False

    wait_until(is_served)
    wait_until(lambda: threading.active_count() < 10)
    for each in slow:
        each.close()
