"""Each command as a function that imports its module only when it runs.

So `unseen --help`, `--version` and usage errors do not wait for NumPy, Pillow or httpx. A contract
in .importlinter and a test check that nothing else on the way to the parser imports them.
"""
# ruff: noqa: PLC0415 - imports inside functions are the purpose of this module

import argparse

from .exit_codes import Exit
from .output import Output


def hash_files(options: argparse.Namespace, output: Output) -> Exit:
    """Run `unseen hash`."""
    from .hashing import hash_files as run

    return run(options, output)


def views(options: argparse.Namespace, output: Output) -> Exit:
    """Run `unseen views`."""
    from .hashing import views as run

    return run(options, output)


def submit(options: argparse.Namespace, output: Output) -> Exit:
    """Run `unseen submit`."""
    from .submitting import submit as run

    return run(options, output)


def status(options: argparse.Namespace, output: Output) -> Exit:
    """Run `unseen status`."""
    from .cases import status as run

    return run(options, output)


def withdraw(options: argparse.Namespace, output: Output) -> Exit:
    """Run `unseen withdraw`."""
    from .cases import withdraw as run

    return run(options, output)


def match(options: argparse.Namespace, output: Output) -> Exit:
    """Run `unseen match`."""
    from .matching import match as run

    return run(options, output)


def mirror(options: argparse.Namespace, output: Output) -> Exit:
    """Run `unseen mirror`."""
    from .mirroring import mirror as run

    return run(options, output)


def feedback(options: argparse.Namespace, output: Output) -> Exit:
    """Run `unseen feedback`."""
    from .feedback import feedback as run

    return run(options, output)


def new_key(options: argparse.Namespace, output: Output) -> Exit:
    """Run `unseen key new`."""
    from .keys import new_key as run

    return run(options, output)


def activate_key(options: argparse.Namespace, output: Output) -> Exit:
    """Run `unseen key activate`."""
    from .keys import activate_key as run

    return run(options, output)


def show_key(options: argparse.Namespace, output: Output) -> Exit:
    """Run `unseen key show`."""
    from .keys import show_key as run

    return run(options, output)


def rotate_key(options: argparse.Namespace, output: Output) -> Exit:
    """Run `unseen key rotate`."""
    from .keys import rotate_key as run

    return run(options, output)


def witness_audit_log(options: argparse.Namespace, output: Output) -> Exit:
    """Run `unseen audit witness`."""
    from .witnessing import witness as run

    return run(options, output)


def verify_audit_log(options: argparse.Namespace, output: Output) -> Exit:
    """Run `unseen audit verify`."""
    from .auditing import verify as run

    return run(options, output)
