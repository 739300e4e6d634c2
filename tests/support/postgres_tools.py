"""PostgreSQL's own programs, of the version that the service brings along."""

import subprocess

from unseen_service.embedded_postgres.binaries import packaged_bindir


def tool(name: str, *arguments: str) -> None:
    """Run a program, such as `pg_dump`."""
    subprocess.run([packaged_bindir() / name, *arguments], check=True, capture_output=True)
