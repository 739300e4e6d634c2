"""`python -m benchmarks [NAME [OPTION…]]`: run one benchmark, or all with their defaults."""

import argparse
import ast
import importlib
import pkgutil
from pathlib import Path

import benchmarks


def benchmark_names() -> list[str]:
    """Return the names of the benchmarks: the public modules of this package."""
    modules = pkgutil.iter_modules(benchmarks.__path__)
    return sorted(each.name for each in modules if not each.ispkg and each.name[0] != "_")


def summary(name: str) -> str:
    """Return the first line of a benchmark's docstring, without importing the benchmark."""
    source = Path(__file__).with_name(f"{name}.py").read_text("utf-8")
    return (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]


def make_parser(names: list[str]) -> argparse.ArgumentParser:
    width = max(map(len, names))
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Run one benchmark, or all of them with their default options.",
        epilog="benchmarks:\n"
        + "\n".join(f"  {name:{width}}  {summary(name)}" for name in names)
        + "\n\nresults are printed and written to benchmarks/results/NAME.json\n"
        + "example: python -m benchmarks search --rows 1M",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", metavar="NAME", nargs="?", choices=names, help="see below")
    parser.add_argument(
        "options",
        metavar="OPTION",
        nargs=argparse.REMAINDER,
        help="options of the benchmark; NAME --help lists them",
    )
    return parser


def main() -> None:
    names = benchmark_names()
    args = make_parser(names).parse_args()
    for name in [args.name] if args.name else names:
        importlib.import_module(f"benchmarks.{name}").main(args.options)


main()
