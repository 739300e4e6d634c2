"""The `unseen` command: where it begins, so that a Ctrl-C is answered from the first moment."""

import sys


def main() -> int:
    """Run `unseen`; return the exit code."""
    try:
        # Takes a third of a second: what is here imports nothing before.
        from .cli import main as run  # noqa: PLC0415

        return run()
    except KeyboardInterrupt:
        sys.stderr.write("\nunseen: interrupted\n")
        return 130


if __name__ == "__main__":
    sys.exit(main())
