"""Files that no other account of this machine may read or change: checked before they are used.

Everything that the service writes is created 0600 or 0700 (`isolation` sets the umask). This is for
what is there already: version 0.1 left folders that everyone could read, and a folder that others
can write to lets them plant links, which root would follow. What others could only read is repaired
by its owner; what they could change, and secrets, are refused. docs/decisions/0024 has the reasons.
"""

import grp
import logging
import os
import pwd
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from ..errors import OperatorError

_OF_VERSION_0_1 = re.compile(r"(\.?postgres-\d.*|index|metrics|numba|\.?audit\..*)\Z")
_MODE_WITH_GROUP = 0o710

logger = logging.getLogger(__name__)


class FilesExposed(OperatorError):
    """Another account could read or change files that the service depends on."""


def check_folder(folder: Path) -> None:
    """Check that no other account can change what is in a folder, or will be once it is created.

    As root, nobody else may be able to replace the folder or one above it either, because root
    follows the links it finds. Raises FilesExposed with the command that fixes it.
    """
    is_folder = folder.is_dir()
    if os.geteuid() == 0:
        for each in _path_to(folder):
            if not (is_folder and each == folder.absolute()):
                _check_above(each)
    if is_folder:
        _check_entry(folder, folder.stat())


def narrow_folder(folder: Path, group: int | None = None) -> None:
    """Close a folder that every account can list, if it is ours and only the service's.

    `group` may still pass through it. A folder that contains other files, such as a home folder,
    is left as it is: what we keep in it has modes of its own.
    """
    found = folder.stat()
    is_listable = bool(found.st_mode & stat.S_IROTH)
    # Copied, for example: it has our mode, and root's group.
    lacks_group = stat.S_IMODE(found.st_mode) == _MODE_WITH_GROUP and found.st_gid != group
    if found.st_uid != os.geteuid() or not (is_listable or (group and lacks_group)):
        return
    if all(_OF_VERSION_0_1.match(each.name) for each in folder.iterdir()):
        admit_group(folder, group)
        if is_listable:
            logger.warning("other accounts could list %s: it is closed to them now", folder)


def admit_group(folder: Path, group: int | None) -> None:
    """Let nobody but the owner enter a folder of ours, and `group` pass through it."""
    if group is not None:
        os.chown(folder, -1, group)
    folder.chmod(0o700 if group is None else _MODE_WITH_GROUP)


def make_folder(folder: Path) -> None:
    """Create a folder that is ours alone; close one that other accounts could only read.

    Raises FilesExposed if they could change it, OSError if it cannot be created.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    check_folder(folder)
    found = folder.stat()
    if found.st_uid == os.geteuid() and found.st_mode & 0o077:
        folder.chmod(0o700)
        logger.warning("other accounts could read %s: it is closed to them now", folder)


def open_file(path: Path, flags: int) -> int:
    """Open a file of ours without following a link, created 0600; return its descriptor.

    One that others could read is closed to them: they may hold a lock on it, or follow its growth.
    Raises OSError.
    """
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    found = os.fstat(descriptor)
    if found.st_uid == os.geteuid() and found.st_mode & 0o077:
        os.fchmod(descriptor, 0o600)
    return descriptor


def check_secret(path: Path) -> None:
    """Check that only we, or root, can read and change a file with a key.

    One that root owns may be readable to others, as secrets are that are mounted into a container:
    its reader cannot change that, and is told. Raises FilesExposed with the command that fixes it.
    """
    found = path.stat()
    if found.st_uid == os.geteuid() and found.st_mode & 0o077:
        raise FilesExposed(
            f"Other accounts can read {path}, which has mode {stat.S_IMODE(found.st_mode):o}: "
            f"chmod 600 {path}. If one of them may have, replace the key."
        )
    _check_entry(path, found)
    if found.st_mode & stat.S_IROTH:
        logger.warning("every account on this machine can read %s: chmod 600 %s", path, path)


def write_secret(path: Path, text: str) -> None:
    """Write a new file that only we can read, durably. Raises OSError, also if there is one."""
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with open(descriptor, "w", encoding="ascii") as file:  # noqa: PTH123 - of a descriptor
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make the names of a folder's files durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _path_to(folder: Path) -> Iterator[Path]:
    """Yield a folder and those above it: on the path as given, and on the one it leads to."""
    seen = {}
    for path in (folder.absolute(), folder.resolve()):
        seen.update(dict.fromkeys((path, *path.parents)))
    yield from seen


def _check_above(path: Path) -> None:
    """Check a folder, or a link, on the way to a folder of root's."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    is_shared = stat.S_ISDIR(found.st_mode) and found.st_mode & stat.S_ISVTX
    if not (is_shared and found.st_uid in _trusted()):  # /tmp: others cannot replace what is ours
        _check_entry(path, found)


def _check_entry(path: Path, found: os.stat_result) -> None:
    """Raise FilesExposed if another account owns a file or folder, or may write to it."""
    if found.st_uid not in _trusted():
        name, own = _name_of(found.st_uid), _name_of(os.geteuid())
        raise FilesExposed(
            f"{path} belongs to the account {name}, which could change what is in it. "
            f"Run this as {name} (sudo -u {name} ...), or make it your own: chown {own} {path}"
        )
    if stat.S_ISLNK(found.st_mode):
        return
    if found.st_mode & stat.S_IWOTH:
        raise FilesExposed(
            f"Every account can change {path}: chmod o-w {path}. If one of them may have, do not "
            "use what is in it."
        )
    if found.st_mode & stat.S_IWGRP and (others := _others_in(found.st_gid)):
        raise FilesExposed(
            f"{', '.join(sorted(others)[:3])} can change {path} through its group: chmod g-w {path}"
        )


def _trusted() -> set[int]:
    """Return who may own what we use: us, root, and whoever owns the code that is running."""
    return {0, os.geteuid(), Path(__file__).stat().st_uid}


def _others_in(gid: int) -> set[str]:
    """Return the names of the accounts in a group, without those that are trusted."""
    try:
        members = set(grp.getgrgid(gid).gr_mem)
    except KeyError:  # made for a volume, for example: no account is in it
        members = set()
    accounts = pwd.getpwall()
    members |= {each.pw_name for each in accounts if each.pw_gid == gid}
    return members - {each.pw_name for each in accounts if each.pw_uid in _trusted()}


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"#{uid}"
