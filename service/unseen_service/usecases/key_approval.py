"""Approval of a key by a second person, and the first two admins, whom nobody can approve."""

from ..errors import InvalidRequest, KeyNotFound, SecondPersonNeeded
from ..models.audit import AuditKind, Staff
from ..models.keys import IssuedKey, Key, KeyStatus, NewKey, Scope
from ..store import Store, audit, clock, keys
from .actors import is_key_person, staff_event
from .key_independence import approval_obstacle
from .keys import checked_key, fingerprint_detail, insert_key

BOOTSTRAP = "bootstrap"
"""Who approved the first two admins: both were created together."""

_FIRST_SCOPES = frozenset({Scope.ADMIN, Scope.AUDIT})

_NO_ADMIN = (
    "Approve with an admin's key: on the staff page, with POST /v1/keys/ID/approve, or with "
    "--key-file on the command line, which itself does not prove who you are."
)


async def approve_key(store: Store, key_id: int, by: Staff) -> None:
    """Activate a pending key, as an admin who is surely neither its issuer nor its holder.

    Raises KeyNotFound, SecondPersonNeeded.
    """
    async with store.transaction() as tx:
        await keys.lock_all(tx)
        key = await keys.lock(tx, key_id)
        status = key.status(await clock.now(tx)) if key else None
        if key is None or status is not KeyStatus.PENDING or key.bootstrap_peer:
            raise KeyNotFound(key_id, _not_approvable(key, status))
        why = approval_obstacle(key, by, await keys.read_all(tx))
        if not is_key_person(by.person):
            why = _NO_ADMIN
        if why is not None:
            raise SecondPersonNeeded(f"You cannot approve key {key_id}. {why}")
        await keys.approve(tx, key_id, by=by.person)
        ends = await keys.end_replaced(tx, key_id)
        details = {"key": key_id, "ends": ends, **fingerprint_detail(key.digest)}
        await audit.append(tx, staff_event(by, AuditKind.KEY_APPROVED, details))


async def bootstrap_admins(
    store: Store, admins: tuple[NewKey, NewKey], by: Staff
) -> tuple[IssuedKey, IssuedKey]:
    """Register the keys of the first two admins, which become active once both have been used.

    `admins` are their names and digests. Raises InvalidRequest, SecondPersonNeeded if there are
    admins already.
    """
    async with store.transaction() as tx:
        await keys.lock_all(tx)  # two of these at once would make four admins
        now = await clock.now(tx)
        one, other = (checked_key(each, now) for each in admins)
        live = [key for key in await keys.read_all(tx) if _is_live(key.status(now))]
        _check_first(one, other, live)
        first, first_details = await insert_key(tx, one, by)
        second, second_details = await insert_key(tx, other, by)
        await keys.link_bootstrap_peers(tx, first.id, second.id)
        for details, peer in ((first_details, second.id), (second_details, first.id)):
            event = staff_event(by, AuditKind.KEY_ISSUED, {**details, "peer": peer})
            await audit.append(tx, event)
    return first, second


def first_admin(name: str, digest: bytes) -> NewKey:
    """Return the key of one of the first two admins."""
    return NewKey(name, _FIRST_SCOPES, "first admin", digest=digest)


def _check_first(one: NewKey, other: NewKey, live: list[Key]) -> None:
    if one.platform.casefold() == other.platform.casefold() or one.digest == other.digest:
        raise InvalidRequest("The first two admins are two persons with two names and two keys.")
    if admins := [str(key.id) for key in live if Scope.ADMIN in key.scopes]:
        raise SecondPersonNeeded(
            f"There are admins already (key {', '.join(admins)}): they issue and approve keys of "
            "further ones. If they cannot, revoke their keys first; the audit log keeps all of it."
        )
    names = {one.platform, other.platform}
    if taken := sorted(key.platform for key in live if key.platform in names):
        raise InvalidRequest(f"'{taken[0]}' has a key already: choose another name.", "admin")


def _is_live(status: KeyStatus) -> bool:
    return status not in (KeyStatus.EXPIRED, KeyStatus.REVOKED)


def _not_approvable(key: Key | None, status: KeyStatus | None) -> str:
    if key is not None and key.bootstrap_peer and status is KeyStatus.PENDING:
        return "becomes active once the other of the first two admins has activated theirs"
    if status is KeyStatus.UNUSED:
        return "was never used: its holder has to activate it first, with 'unseen key activate'"
    return "is not waiting for approval"
