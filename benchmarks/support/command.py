"""The command line of a benchmark, and where its results go."""

import argparse
import json
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parents[1] / "results"


def benchmark_parser(name: str, description: str | None) -> argparse.ArgumentParser:
    """Return a parser for the options of a benchmark, described by its module's docstring."""
    return argparse.ArgumentParser(
        prog=f"python -m benchmarks {name}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def write_results(name: str, results: Any) -> None:
    """Write results to benchmarks/results/NAME.json."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    print(f"\nResults written to benchmarks/results/{path.name}")
