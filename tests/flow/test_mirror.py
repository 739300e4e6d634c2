"""`unseen mirror` with a real service: killed, interrupted, and through outages."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from unseen import (
    AccessRefusedError,
    ActiveHash,
    Client,
    Feedback,
    LocalCopy,
    Mirror,
    RequestRefusedError,
    Tombstone,
)

from tests.support.databases import fresh_database
from tests.support.hashes import flipped, random_pdq
from tests.support.mirrors import Mirror as ReferenceMirror
from tests.support.running_service import RunningService, serving
from tests.support.submissions import case_platforms, submit, withdraw
from tests.support.waiting import wait_until

DOCS = Path(__file__).parents[2] / "docs"


def command(
    folder: Path, service: RunningService, *arguments: str, index: bool = True
) -> list[str]:
    """Return the command line of a mirror, which can or cannot import unseen_index."""
    hidden = "" if index else "sys.modules['unseen_index'] = None; "
    script = f"import sys; {hidden}from unseen.__main__ import main; sys.exit(main())"
    key = service.key("feed", "feedback")
    options = ["--folder", str(folder), "--key", key, "--server", service.url]
    return [sys.executable, "-c", script, "mirror", *options, *arguments]


def records_in(folder: Path) -> list[str]:
    """Return the sorted records of a copy; a record that is in the file twice is listed twice."""
    lines = (folder / "hashes.ndjson").read_text().splitlines()
    entries = [json.loads(line) for line in lines if '"active"' in line]
    return sorted(entry["record"] for entry in entries)


def matching(folder: Path, pdqs: list[str]) -> set[str]:
    with LocalCopy(folder) as copy:
        return {pdqs[hit.query] for hit in copy.match(pdqs, 0).hits}


@pytest.mark.parametrize("index", [True, False], ids=["index", "scan"])
def test_a_mirror_killed_repeatedly_neither_misses_nor_repeats_a_hash(
    service: RunningService, tmp_path: Path, index: bool
) -> None:
    folder, numbers, rng = tmp_path / "copy", iter(range(10_000)), random.Random(1)
    cases: dict[str, tuple[dict[str, Any], list[str]]] = {}
    withdrawn: list[str] = []
    killed = 0
    while killed < 8:
        pdqs = [random_pdq(next(numbers)) for _ in range(40)]
        case = submit(service, *pdqs)
        cases[case["case"]] = case, pdqs
        if killed % 2:
            case, pdqs = cases.pop(rng.choice(sorted(cases)))
            withdraw(service, case)
            withdrawn += pdqs
        process = subprocess.Popen(
            command(folder, service, "--follow", index=index), stdout=subprocess.DEVNULL
        )
        # Kill it before it begins, while it reads, rewrites or confirms, or while it waits.
        wait_until((folder / "lock").exists)
        time.sleep(rng.uniform(0.0, 0.25))
        process.kill()
        process.wait()
        killed += 1
    subprocess.run(command(folder, service, "--once", index=index), check=True, capture_output=True)

    with service.client("feed", "feedback") as platform:
        kept = ReferenceMirror(platform).catch_up().kept
    assert records_in(folder) == sorted(kept)
    active = [pdq for _, pdqs in cases.values() for pdq in pdqs]
    assert matching(folder, active + withdrawn) == set(active)
    everything = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert not [pdq for pdq in withdrawn if pdq.encode() in everything]
    with service.client("audit") as staff:
        assert "withdrawal" not in staff.get("/v1/overdue").text


@pytest.fixture
def brief_service(database_url: str) -> Iterator[RunningService]:
    """Yield a service whose feed waits one second at most, so that it stops soon."""
    with serving(database_url, feed_wait_s=1) as running:
        yield running


def test_follow_applies_changes_at_once_and_ends_with_ctrl_c(
    brief_service: RunningService, tmp_path: Path
) -> None:
    service = brief_service
    folder, (one, two) = tmp_path / "copy", (random_pdq(1), random_pdq(2))
    case = submit(service, one)
    arguments = command(folder, service, "--follow", "--json")
    with subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stderr
        assert json.loads(process.stdout.readline())["added"] == 1
        submit(service, two)
        assert json.loads(process.stdout.readline())["held"] == 2
        with LocalCopy(folder) as copy:
            assert [hit.distance for hit in copy.match([flipped(two, 31)]).hits] == [31]
            withdraw(service, case)
            assert json.loads(process.stdout.readline())["removed"] == 1
            assert copy.match([one]).hits == ()
        wait_until(lambda: case_platforms(service, case)[0]["withdrawal_confirmed_at"])
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130
        assert "interrupted" in process.stderr.read()
        assert process.stdout.read() == ""


def test_follow_continues_after_an_outage(database_url: str, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    with serving(database_url, feed_wait_s=1) as service:
        arguments = command(folder, service, "--follow")
        port = int(service.url.rpartition(":")[2])
        submit(service, random_pdq(1))
        process = subprocess.Popen(
            arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert process.stdout
        assert "1 in the copy" in process.stdout.readline()
    with process, serving(database_url, port=port, feed_wait_s=1) as service:
        submit(service, random_pdq(2))
        assert "2 in the copy" in process.stdout.readline()
        process.kill()


def test_a_new_change_log_makes_the_copy_start_again(
    service: RunningService, postgres: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "copy"
    submit(service, *map(random_pdq, range(1, 9)))
    subprocess.run(command(folder, service), check=True)
    with fresh_database(postgres) as url, serving(url) as other:
        submit(other, random_pdq(2), random_pdq(3))
        subprocess.run(command(folder, other), check=True)
    shown = capfd.readouterr()
    assert "new change log" in shown.err
    assert "2 added, 0 changed, 0 removed; 2 in the copy" in shown.out
    pdqs = [random_pdq(n) for n in range(1, 9)]
    assert matching(folder, pdqs) == {random_pdq(2), random_pdq(3)}


def test_the_feed_reports_each_change_as_a_typed_entry(service: RunningService) -> None:
    """A hash is added, disputed by this platform, made suspect by a second, and withdrawn."""
    case = submit(service, random_pdq(1))
    keys = [service.key("feed", "feedback", platform=name) for name in ("One", "Two", "Three")]
    clients = [Client(service.url, key) for key in keys]
    ((added,), _, _) = [page.entries for client in clients for page in client.feed()]
    assert isinstance(added, ActiveHash)
    assert (added.pdq, added.standing, added.view) == (random_pdq(1), "unreviewed", "original")
    assert not added.suspect
    for one in clients[:2]:
        one.feedback([Feedback(added.record, "not-intimate", ("a cat",))])
    page = clients[0].feed_page()
    disputed = page.entries[-1]
    assert disputed == Tombstone(
        disputed.position, disputed.at, added.record, "withdrawn", "unreviewed"
    )
    seen_by_others = clients[2].feed_page().entries[-1]
    assert isinstance(seen_by_others, ActiveHash)
    assert (seen_by_others.suspect, seen_by_others.feedback) == (True, {"not-intimate": 2})
    withdraw(service, case)
    (tombstone,) = clients[0].feed_page(page.cursor, wait=10).entries
    assert tombstone == Tombstone(
        tombstone.position, tombstone.at, added.record, "withdrawn", "unreviewed"
    )
    assert tombstone.position > disputed.position
    done = clients[0].confirm_withdrawals([added.record])
    assert (done.confirmed, done.active) == ((added.record,), ())
    for client in clients:
        client.close()


def test_refusals_of_the_feed_are_typed_errors(service: RunningService) -> None:
    with Client(service.url, service.key("match")) as client, pytest.raises(AccessRefusedError):
        client.feed_page()
    with Client(service.url, service.key("feed")) as client:
        with pytest.raises(RequestRefusedError) as caught:
            client.feed_page("no cursor")
        assert caught.value.errors[0].at == "query.cursor"


def test_an_interrupt_while_loading_shows_no_traceback() -> None:
    """Ctrl-C during the third of a second that imports take."""
    for delay in (0.06, 0.1, 0.15, 0.2):
        process = subprocess.Popen(
            [sys.executable, "-c", SLOW_IMPORTS],
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout
        process.stdout.readline()
        time.sleep(delay)
        os.kill(process.pid, signal.SIGINT)
        _, shown = process.communicate(timeout=60)
        assert process.returncode == 130, shown
        assert "Traceback" not in shown
        assert "interrupted" in shown


# `python -m unseen --help`, with imports as slow as from a slow disk.
SLOW_IMPORTS = """
import builtins, runpy, sys, time
real = builtins.__import__
def slow(*args, **kwargs):
    time.sleep(0.002)
    return real(*args, **kwargs)
builtins.__import__ = slow
print(flush=True)
sys.argv = ["unseen", "--help"]
runpy.run_module("unseen", run_name="__main__", alter_sys=True)
"""


def test_the_documented_code_runs(
    service: RunningService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (DOCS / "mirror.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UNSEEN_SERVER", service.url)
    monkeypatch.setenv("UNSEEN_KEY", service.key("feed", "feedback"))
    submit(service, random_pdq(1))
    namespace: dict[str, Any] = {"upload": random_pdq(1)}
    exec(code, namespace)  # noqa: S102
    assert namespace["hits"][0].distance == 0
    Mirror("unseen-mirror").close()  # nothing else holds the lock any longer
