"""The `unseen` command: argparse in front of the SDK, so the command line adds no dependency."""

from .run import main

__all__ = ["main"]
