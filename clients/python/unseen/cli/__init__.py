"""The `unseen` command: argparse in front of the SDK, so that installing it costs nothing more."""

from .run import main

__all__ = ["main"]
