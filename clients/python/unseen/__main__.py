"""The entry point of the `unseen` command: handles Ctrl-C even while modules are imported."""

import sys


def main() -> int:
    """Run `unseen`; return the exit code."""
    try:
        # Imported here so that a Ctrl-C during the import is handled too.
        from .cli import main as run  # noqa: PLC0415

        return run()
    except KeyboardInterrupt:
        if sys.stderr:
            sys.stderr.write("\nunseen: interrupted\n")
        return 130


if __name__ == "__main__":
    sys.exit(main())
