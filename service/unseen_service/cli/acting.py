"""Who runs the command, and with which settings."""

import os
import pwd
from argparse import Namespace
from dataclasses import replace

from ..credentials import key_digest
from ..models.audit import Staff
from ..settings import Settings
from ..store import Store
from ..usecases import key_holders
from ..usecases.actors import OPERATOR, operator, staff
from .key_files import read_key


def acting_operator(args: Namespace) -> Staff:
    """Return who acts: --by, which is taken on trust, and the account, which is not."""
    name = args.by or _account_name()
    return operator(name, _account()) if name else replace(OPERATOR, account=_account())


async def acting_admin(args: Namespace, store: Store) -> Staff:
    """Return the holder of the admin's key in --key-file; without one, the operator.

    Raises KeyFileInvalid, NotAuthenticated, ScopeMissing.
    """
    if args.key_file is None:
        return acting_operator(args)
    digest = key_digest(read_key(args.key_file))
    key = await key_holders.active_admin(store, digest)
    return replace(staff(key), account=_account())


def settings_of(args: Namespace) -> Settings:
    """Return the settings of this environment and --data."""
    return Settings.from_environment({**os.environ, "UNSEEN_DATA": str(args.data)})


def _account() -> str:
    return f"{_account_name() or 'without a name'} ({os.getuid()})"


def _account_name() -> str:
    """Return the name of the account that this process runs as, whatever the environment says.

    Empty for an account without a name, as containers may have.
    """
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return ""
