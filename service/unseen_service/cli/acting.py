"""Who runs the command, and with which settings."""

import os
import pwd
from argparse import Namespace
from dataclasses import replace

from ..models.audit import Staff
from ..settings import Settings
from ..usecases.actors import OPERATOR, operator


def acting_operator(args: Namespace) -> Staff:
    """Return who acts: --by, which is taken on trust, and the account, which is not."""
    name = _account_name()
    account = f"{name or 'without a name'} ({os.getuid()})"
    if args.by or name:
        return operator(args.by or name, account)
    return replace(OPERATOR, account=account)


def settings_of(args: Namespace) -> Settings:
    """Return the settings of this environment and --data."""
    return Settings.from_environment({**os.environ, "UNSEEN_DATA": str(args.data)})


def _account_name() -> str:
    """Return the name of the account that this process runs as, whatever the environment says.

    Empty for an account without a name, as containers may have.
    """
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return ""
