"""The keys in memory: a lookup must be answered while PostgreSQL is unavailable."""

from ..credentials import key_digest, key_fingerprint
from ..errors import KeyInactive, NotAuthenticated, ScopeMissing, StillLoading
from ..models.keys import Key, KeyStatus, Scope
from ..store import Store, keys
from .clock import Clock

_ENDED = (KeyStatus.EXPIRED, KeyStatus.REVOKED)
_UNUSED = "activate it with 'unseen key activate' (POST /v1/keys/self/activate)"
_PENDING = (
    "an admin has to approve it. Read its fingerprint to them, {}: they see the same one if nobody "
    "has replaced your key"
)
_PEER_PENDING = "it becomes active once the other admin has activated theirs"


class LiveKeys:
    """Every key that is active or may become so, by digest. They expire by the given clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._by_digest: dict[bytes, Key] | None = None

    async def reload(self, store: Store) -> None:
        """Reload the keys. Raises StoreUnavailable."""
        async with store.transaction() as tx:
            issued = await keys.read_all(tx)
        now = self._clock.now()
        self._by_digest = {key.digest: key for key in issued if key.status(now) not in _ENDED}

    def authenticate(self, key: str | None, scope: Scope | None) -> Key:
        """Return the active key with this secret; `scope` is what it must be allowed to do, if any.

        Raises NotAuthenticated, KeyInactive, ScopeMissing, StillLoading. The secret is looked up by
        its SHA-256: the timing of a comparison reveals something only about a digest that nobody
        can choose.
        """
        found = self.find(key)
        if (status := found.status(self._clock.now())) is not KeyStatus.IN_FORCE:
            raise KeyInactive(_missing(found, status))
        if scope is not None and scope not in found.scopes:
            raise ScopeMissing(scope.value)
        return found

    def find(self, key: str | None) -> Key:
        """Return the key with this secret, also if it is not active yet.

        Raises NotAuthenticated, StillLoading.
        """
        if self._by_digest is None:
            raise StillLoading
        found = self._by_digest.get(key_digest(key)) if key else None
        if found is None or found.status(self._clock.now()) in _ENDED:
            raise NotAuthenticated
        return found


def _missing(key: Key, status: KeyStatus) -> str:
    if status is KeyStatus.UNUSED:
        return _UNUSED
    return _PEER_PENDING if key.bootstrap_peer else _PENDING.format(key_fingerprint(key.digest))
