"""The `unseen` command."""


def main() -> None:
    """Run the command."""
    raise SystemExit("unseen: not built yet")
