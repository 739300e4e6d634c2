"""An innocent platform's lookups beside hostile connections: how much longer they take."""

import socket
import tempfile
from pathlib import Path

from unseen_service.embedded_postgres import EmbeddedPostgres

from .service import issue_key, json_request, queries, serving
from .support.command import benchmark_parser, write_results
from .support.database import filled
from .support.hostile import Requests, attacking, attacks, crowds
from .support.load_generator import LoadResult, run_load

INNOCENT_PER_SECOND = 100.0
CROWD = 4_000
GOAL = 2.0
"""How many times longer the innocent's p99 may be beside an attack."""


def main(arguments: list[str]) -> None:
    parser = benchmark_parser("attack", __doc__)
    parser.add_argument("--hashes", type=int, default=200_000, help="hashes in the database")
    parser.add_argument("--seconds", type=float, default=5.0, help="duration of each run")
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 100])
    parser.add_argument("--only", default="", help="attacks whose name contains this")
    options = parser.parse_args(arguments)
    print(
        f"Lookups of one hash, {INNOCENT_PER_SECOND:.0f} a second, one worker, "
        f"{options.hashes:,} hashes; goal: p99 at most {GOAL:.0f} times that without an attack"
    )
    with tempfile.TemporaryDirectory(prefix="unseen-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with EmbeddedPostgres(folder / "postgres") as server:
            url = server.start()
            data = folder / "data"
            hashes = filled(url, data, options.hashes)
            innocent, hostile = issue_key(url, data), issue_key(url, data)
            with serving(url, data) as (port, _):
                crowd, submissions = crowds(CROWD)
                store(port, submissions)
                singles = [json_request(innocent, each[None]) for each in queries(hashes, 2_000)[0]]
                kinds = {n: r for n, r in attacks(hostile, crowd).items() if options.only in n}
                results = measure(port, singles, kinds, options.connections, options.seconds)
    write_results("attack", results)


def store(port: int, submissions: Requests) -> None:
    """Send submissions one after another."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        for each in submissions:
            connection.sendall(each)
            connection.recv(1 << 20)


def measure(
    port: int,
    singles: Requests,
    kinds: dict[str, Requests],
    connections: list[int],
    seconds: float,
) -> dict[str, dict[str, float]]:
    """Measure the innocent alone before each attack, then beside it."""
    run_innocent(port, singles, 2.0)  # warm-up
    results = {}
    for kind, requests in kinds.items():
        alone = run_innocent(port, singles, seconds)
        figures = {"alone p50 ms": alone.ms(50), "alone p99 ms": alone.ms(99)}
        for count in connections:
            with attacking(port, requests, count):
                beside = run_innocent(port, singles, seconds)
            figures[f"beside {count} p50 ms"] = beside.ms(50)
            figures[f"beside {count} p99 ms"] = beside.ms(99)
            figures[f"beside {count} ratio"] = beside.ms(99) / alone.ms(99)
        results[kind] = figures
        report(kind, figures, connections)
    return results


def run_innocent(port: int, singles: Requests, seconds: float) -> LoadResult:
    return run_load(port, singles, connections=16, seconds=seconds, per_second=INNOCENT_PER_SECOND)


def report(kind: str, figures: dict[str, float], connections: list[int]) -> None:
    beside = "   ".join(
        f"beside {count}: p99 {figures[f'beside {count} p99 ms']:8.1f} ms, "
        f"{figures[f'beside {count} ratio']:6.1f} times"
        for count in connections
    )
    print(f"  {kind:<28} alone: p99 {figures['alone p99 ms']:6.1f} ms   {beside}", flush=True)
