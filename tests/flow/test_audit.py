"""Exports, checkpoints and proofs of the audit log, verified outside the service."""

import gzip
import json
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from unseen import audit
from unseen.cli import main
from unseen_service.store import Store, checkpoints
from unseen_service.store import audit as log

from tests.support.hashes import random_pdq
from tests.support.running_service import RunningService
from tests.support.submissions import PIN, submission


@pytest.fixture
def staff(service: RunningService) -> Iterator[httpx.Client]:
    """Yield a client with the scope `audit`; the log contains a submission."""
    httpx.post(f"{service.url}/v1/cases", json=submission(random_pdq(1)))
    with service.client("audit") as client:
        yield client


def verify(*arguments: str | Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Run `unseen audit verify`; return its exit status and all that it printed."""
    code = main(["audit", "verify", *map(str, arguments)])
    printed = capsys.readouterr()
    return code, printed.out + printed.err


def test_an_export_is_verified_offline_and_tampering_is_found(
    staff: httpx.Client, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    early, export = tmp_path / "early", tmp_path / "log.ndjson"
    early.write_text(staff.get("/v1/audit/checkpoint").text)
    key = staff.get("/v1/audit/verifier").json()["verifier"]
    answer = staff.get("/v1/audit/export")
    assert answer.headers["content-type"] == "application/x-ndjson"
    export.write_bytes(answer.content)

    code, output = verify(export, "--checkpoint", early, "--key", key, capsys=capsys)
    assert code == 0
    assert re.match(r"chain verified: 8 entries, the last is [0-9a-f]{64}\n", output)
    assert "kept checkpoint of 7 entries" in output
    assert json.loads(answer.text.splitlines()[7])["kind"] == "audit.exported", "itself included"

    lines = export.read_bytes().splitlines(keepends=True)
    export.write_bytes(b"".join([lines[0].replace(b"operator", b"nobody"), *lines[1:]]))
    code, output = verify(export, capsys=capsys)
    assert code == 1
    assert "Audit entry 1 does not fit" in output

    export.write_bytes(b"".join(lines[:2]))
    code, output = verify(export, capsys=capsys)
    assert (code, "Audit entry 3" in output, "cut off" in output) == (1, True, True)

    code, output = verify(tmp_path / "nothing", capsys=capsys)
    assert (code, "Traceback" in output) == (1, False)


def test_an_export_is_verified_as_other_programs_stored_it(
    staff: httpx.Client, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = staff.get("/v1/audit/export").content
    export = tmp_path / "log.ndjson"
    note = tmp_path / "checkpoint"
    note.write_bytes(b"\xef\xbb\xbf" + staff.get("/v1/audit/checkpoint").content)
    windows = b"\xef\xbb\xbf" + content.replace(b"\n", b"\r\n")
    for stored in (content, windows, gzip.compress(content), gzip.compress(windows)):
        export.write_bytes(stored)
        code, output = verify(export, "--checkpoint", note, capsys=capsys)
        assert (code, "extends the kept checkpoint" in output) == (0, True), output

    for stored, expected in (
        (gzip.compress(content)[:-20], "is damaged: it cannot be unpacked."),
        (gzip.compress(content)[:12] + b"\xff" * 40, "is damaged: it cannot be unpacked."),
        (content.decode().encode("utf-16"), "was changed to UTF-16"),
        (gzip.compress(b" " * (1 << 21)), "is not an export of an audit log."),
        (windows.replace(b"operator", b"nobody"), "Audit entry 1 does not fit"),
        (b"", "cut off before its checkpoint"),
    ):
        export.write_bytes(stored)
        code, output = verify(export, capsys=capsys)
        assert (code, expected in output) == (1, True), output


def test_an_export_is_consistent_while_the_log_grows(
    staff: httpx.Client, service: RunningService
) -> None:
    """It ends where the log ended when it was requested, whatever is appended meanwhile."""
    stop = threading.Event()

    def write() -> None:
        with service.client("audit") as other:
            while not stop.is_set():
                other.get("/v1/audit?limit=1")

    with ThreadPoolExecutor(2) as threads:
        writing = [threads.submit(write) for _ in range(2)]
        try:
            for _ in range(5):
                lines = staff.get("/v1/audit/export").content.splitlines(keepends=True)
                audit.verify_export(lines)
        finally:
            stop.set()
        assert all(each.result() is None for each in writing)


def test_a_witness_verifies_consistency_and_inclusion_proofs(staff: httpx.Client) -> None:
    key = staff.get("/v1/audit/verifier").json()["verifier"]
    kept = [audit.read_checkpoint(staff.get("/v1/audit/checkpoint").text, key)]
    for _ in range(6):
        staff.get("/v1/audit").raise_for_status()
        kept.append(audit.read_checkpoint(staff.get("/v1/audit/checkpoint").text, key))
    for second in kept:
        for first in kept:
            if first.size <= second.size:
                sizes = {"first": first.size, "second": second.size}
                answer = staff.get("/v1/audit/proof/consistency", params=sizes).json()
                path = [bytes.fromhex(each) for each in answer["path"]]
                assert audit.verify_consistency(first, second, path)
    last = kept[-1]
    for entry in staff.get("/v1/audit").json()["entries"][: last.size]:
        query = {"position": entry["position"], "size": last.size}
        answer = staff.get("/v1/audit/proof/inclusion", params=query).json()
        path = [bytes.fromhex(each) for each in answer["path"]]
        leaf = audit.leaf_hash(entry)
        assert leaf.hex() == answer["leaf"]
        assert audit.verify_inclusion(leaf, entry["position"] - 1, last.size, path, last.root)


def test_checkpoints_and_proofs_need_a_key_but_no_scope(service: RunningService) -> None:
    assert httpx.get(f"{service.url}/v1/audit/checkpoint").status_code == 401
    with service.client("match") as platform:
        assert platform.get("/v1/audit/checkpoint").text.startswith("unseen-audit/")
        service.key("feedback", platform="Second")
        service.flow(_hand_out)
        for query in ("inclusion?position=9", "consistency?first=9", "consistency?first=0"):
            refused = platform.get(f"/v1/audit/proof/{query}")
            assert refused.status_code == 422, query
            assert refused.json()["errors"], query
        one = platform.get("/v1/audit/proof/inclusion?position=1").json()
        assert one["size"] == 5, "two of the encryption, one for the first key, two for the second"
        assert len(one["path"]) == 3


async def _hand_out(store: Store) -> None:
    """Hand out a checkpoint of the log as it is: its signature is not looked at here."""
    async with store.transaction() as tx:
        await checkpoints.publish(tx, (await log.head(tx)).position, "")


def test_staff_must_give_a_reason_which_is_recorded(service: RunningService) -> None:
    case = httpx.post(f"{service.url}/v1/cases", json=submission(random_pdq(1))).json()["case"]
    with service.client("audit") as staff:
        del staff.headers["Unseen-Reason"]
        calls = [
            ("GET", "/v1/audit"),
            ("GET", "/v1/audit/export"),
            ("POST", "/v1/audit/references"),
        ]
        for method, path in calls:
            body = {"case": case} if method == "POST" else None
            refused = staff.request(method, path, json=body)
            assert refused.status_code == 422
            assert refused.json()["errors"][0]["at"] == "header.Unseen-Reason"
        for reason in (
            *("%20", "a" * 201, "about UN-7K4M-9QTX", "un 7k4m9qtx", case.lower(), f"pin {PIN}"),
            *(f"hash {random_pdq(1)}", "asked by 192.0.2.7", "asked by 2001:db8::7:"),
        ):
            refused = staff.get("/v1/audit", headers={"Unseen-Reason": reason})
            assert refused.status_code == 422, reason
            assert reason not in refused.text
        reason = "p%C5%99ezkum t%C3%BDdne, 50% of UNverified cases"
        answer = staff.get("/v1/audit", headers={"Unseen-Reason": reason}).json()
        read = answer["entries"][-1]
        assert (read["kind"], read["actor"]) == ("audit.read", "staff:Example")
        assert read["details"]["reason"] == "přezkum týdne, 50% of UNverified cases"


def test_staff_who_know_a_case_number_can_find_its_entries(service: RunningService) -> None:
    case = httpx.post(f"{service.url}/v1/cases", json=submission(random_pdq(1))).json()["case"]
    with service.client("audit") as staff:
        linked = staff.post("/v1/audit/references", json={"case": case.lower().replace("-", "")})
        reference = linked.json()["reference"]
        unknown = staff.post("/v1/audit/references", json={"case": "UN-0000-0000"})
        assert unknown.status_code == 404
        assert "PIN" not in unknown.json()["detail"]
        entries = staff.get("/v1/audit").json()["entries"]
    by_kind = {each["kind"]: each for each in entries}
    assert by_kind["case.submitted"]["subject"] == reference
    linking = [each["subject"] for each in entries if each["kind"] == "case.linked"]
    assert linking == [reference, None]


def test_the_log_contains_no_case_number_pin_hash_or_key(service: RunningService) -> None:
    pdq = random_pdq(1)
    case = httpx.post(f"{service.url}/v1/cases", json=submission(pdq)).json()["case"]
    address = f"{service.url}/v1/cases/{case}"
    httpx.get(address, headers={"Unseen-Pin": "0000-0000-0000"})
    service.wait_in_step()
    key = service.key("match")
    with service.client("match") as platform:
        assert platform.post("/v1/match", json={"hashes": [pdq]}).json()["hits"]
    httpx.delete(address, headers={"Unseen-Pin": PIN})
    with service.client("audit") as staff:
        staff.post("/v1/audit/references", json={"case": case})
        text = staff.get("/v1/audit/export").raise_for_status().text.lower()
    assert all(f'"{kind}"' in text for kind in ("case.submitted", "match.hit", "case.withdrawn"))
    for secret in (case, case[3:], PIN, PIN.replace("-", ""), pdq, key, "127.0.0.1"):
        assert secret.lower() not in text
