"""`unseen-service migrate` and `encrypt`, and the encryption of a new database."""

import asyncio
from argparse import Namespace

from ..encryption import KeyFile
from ..errors import OlderWorkers
from ..settings import Settings
from ..store import application_of
from ..usecases import encryption
from ..usecases.actors import OPERATOR
from .acting import acting_operator, settings_of
from .database import (
    check_exists,
    migrate_now,
    open_database,
    opened_store,
    owner_url,
    warn_if_values_are_logged,
)
from .output import notice

_BACK_UP = "back up {file}, apart from dumps of the database: without it the bank is lost"
_PREPARED = """\
a key was made: copy {file} to every host of this service, readable by its account only,
then run 'unseen-service encrypt'"""
_ENCRYPTED = """\
the database is encrypted with key {version} of {file}
older dumps and backups, and the free space of the tables, may still contain hashes: delete the
first, and run VACUUM FULL on hashes, benign_hashes, cases and submissions"""
_NOT_ENCRYPTED = (
    "the hashes in the database are not encrypted, so a dump of it reveals them: once no older "
    "version is running, run 'unseen-service encrypt'"
)
_NOT_COMPLETED = "not all hashes are encrypted yet: run 'unseen-service encrypt' to continue"


def migrate(args: Namespace) -> None:
    """Migrate the database to this version; encrypt it if it is new."""
    with open_database(args.data) as (url, _):
        applied = migrate_now(url)
        warn_if_values_are_logged(url)
        asyncio.run(encrypt_if_new(url, settings_of(args)))
    print("\n".join(f"applied {name}" for name in applied) or "the database is up to date")


def encrypt(args: Namespace) -> None:
    """Encrypt the database with the newest key; `--new-key` makes another first."""
    check_exists(args.data)
    with open_database(args.data) as (url, _):
        migrate_now(url)
        print(asyncio.run(_encrypt(args, url)))


async def encrypt_if_new(url: str, settings: Settings) -> None:
    """Encrypt a database in which nothing is stored yet. Print a notice if another one is not.

    Raises HashesUnreadable, StoreUnavailable, SettingInvalid if the key cannot be written.
    """
    async with opened_store(url, settings) as store:
        is_encrypted = await encryption.is_encrypted(store)
        if is_encrypted or (settings.dumps_contain_hashes and not await encryption.is_begun(store)):
            return
        if is_encrypted is False:
            notice(_NOT_COMPLETED if await encryption.is_begun(store) else _NOT_ENCRYPTED)
            return
    try:
        await _check_no_older_workers(url, settings)
    except OlderWorkers:
        notice(_NOT_ENCRYPTED)
        return
    async with opened_store(owner_url(url), settings, in_role=False) as owner:
        if not await encryption.is_owner(owner):
            notice(f"{_NOT_ENCRYPTED}, as the owner of its tables (UNSEEN_MIGRATE_URL)")
            return
        key_file = KeyFile(settings.encryption_key)
        is_known = key_file.exists()
        await encryption.encrypt(owner, key_file, OPERATOR)
    if not is_known:
        notice(_BACK_UP.format(file=settings.encryption_key))


async def _check_no_older_workers(url: str, settings: Settings) -> None:
    """Raise OlderWorkers if there are any: the login that serves may see its own sessions."""
    async with opened_store(url, settings, in_role=False) as store:
        await encryption.check_no_older_workers(store, application_of(url))


async def _encrypt(args: Namespace, url: str) -> str:
    settings = settings_of(args)
    file = settings.encryption_key
    key_file = KeyFile(file)
    async with opened_store(url, settings) as store:
        if not args.older_workers_stopped and not await encryption.is_begun(store):
            await _check_no_older_workers(url, settings)
        is_made = await encryption.prepare_key(
            store, key_file, new=args.new_key, only_prepare=args.prepare
        )
    if args.prepare:
        return _PREPARED.format(file=file) if is_made else f"{file} has a key already"
    async with opened_store(owner_url(url), settings, in_role=False) as owner:
        version, was_needed = await encryption.encrypt(owner, key_file, acting_operator(args))
    if not was_needed:
        return f"the database is encrypted already, with key {version}; --new-key replaces it"
    return f"{_ENCRYPTED.format(version=version, file=file)}\n{_BACK_UP.format(file=file)}"
