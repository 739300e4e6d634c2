"""Keys, for staff who manage them: issue, approve, rotate, revoke, list."""

from typing import Annotated

from fastapi import Depends, Path

from ...errors import (
    BudgetSpent,
    InvalidRequest,
    KeyNotFound,
    KeyPaused,
    NotAuthenticated,
    SecondPersonNeeded,
    Unavailable,
)
from ...models.keys import NewKey
from ...usecases import key_approval, key_holders, keys
from ..authentication import Admin, AnyKey, Reason, RegisteredKey
from ..bodies import require_json
from ..dependencies import Provided
from ..json_routes import JsonRoute
from ..openapi import BODY_PROBLEMS, keyed_responses, problem_responses
from ..router import make_router
from ..schemas import keys as schemas

router = make_router(route_class=JsonRoute, tags=["keys"])

KeyId = Annotated[int, Path(ge=1, lt=1 << 63, description="The ID of the key.")]


@router.get("/v1/keys", responses=keyed_responses(InvalidRequest))
async def list_keys(provided: Provided, by: Admin, reason: Reason) -> schemas.KeysOut:
    """List all keys.

    Returns every key that was ever issued, without its secret. The audit log records the read.
    Requires the scope `admin`.
    """
    found = await keys.read_keys(provided.store, by, reason)
    return schemas.KeysOut(keys=[schemas.KeyOut.of(key, provided.clock.now()) for key in found])


@router.post(
    "/v1/keys",
    status_code=201,
    dependencies=[Depends(require_json)],
    responses=keyed_responses(*BODY_PROBLEMS, SecondPersonNeeded),
)
async def issue_key(provided: Provided, by: Admin, body: schemas.KeyIn) -> schemas.IssuedOut:
    """Issue a key.

    A key with the scope `feed`, `submit`, `audit` or `admin` needs a `digest`: its holder makes it
    and tells you the digest, activates it, and reads its fingerprint to another admin, who approves
    it. A key with other scopes is active at once, and shown only in this response; with a `digest`
    it is active once its holder has activated it. Requires the scope `admin`.
    """
    digest = keys.read_digest(body.digest) if body.digest is not None else None
    new = NewKey(body.platform, frozenset(body.scopes), body.note, body.expires_at, digest)
    return schemas.IssuedOut.of(await keys.issue_key(provided.store, new, by))


@router.get(
    "/v1/keys/self",
    responses=problem_responses(NotAuthenticated, KeyPaused, BudgetSpent, Unavailable),
)
async def read_own_key(provided: Provided, key: RegisteredKey) -> schemas.OwnKeyOut:
    """Get the key that you send.

    Also answers for a key that is not active yet. Requires no scope.
    """
    return schemas.OwnKeyOut.of(key, key.status(provided.clock.now()))


@router.post(
    "/v1/keys/self/activate",
    responses=problem_responses(NotAuthenticated, KeyPaused, BudgetSpent, Unavailable),
)
async def activate_key(provided: Provided, key: RegisteredKey) -> schemas.OwnKeyOut:
    """Activate the key that you send, which you have made.

    Shows that its digest was registered without a mistake. If it needs approval, it is pending
    from then on: read its fingerprint to an admin other than its issuer. Can be repeated. Requires
    no scope.
    """
    return schemas.OwnKeyOut.of(*await key_holders.activate_key(provided.store, key.digest))


@router.post(
    "/v1/keys/self/rotate",
    status_code=201,
    dependencies=[Depends(require_json)],
    responses=keyed_responses(*BODY_PROBLEMS, KeyNotFound),
)
async def rotate_own_key(
    provided: Provided, key: AnyKey, body: schemas.OwnRotationIn
) -> schemas.IssuedOut:
    """Replace the key that you send by one that you have made.

    The new key has the same platform, scopes, limits and expiry, and needs no approval. Activate
    it: the overlap begins then, and the key that you send ends with it. Requires no scope.
    """
    digest = keys.read_digest(body.digest)
    new = await key_holders.replace_own_key(provided.store, key, digest, overlap_s=body.overlap_s)
    return schemas.IssuedOut.of(new)


@router.post(
    "/v1/keys/{key}/approve",
    status_code=204,
    response_description="The key is active.",
    responses=keyed_responses(KeyNotFound, SecondPersonNeeded, InvalidRequest),
)
async def approve_key(provided: Provided, by: Admin, key: KeyId) -> None:
    """Approve a pending key.

    First let the holder of the key read you its fingerprint, and compare. You must be neither the
    issuer nor the holder of the key, nor of their platforms, and your own key must not have been
    issued or approved by the issuer, or by anyone that they brought in. If the key replaces
    another, the overlap begins now. Requires the scope `admin`.
    """
    await key_approval.approve_key(provided.store, key, by)


@router.post(
    "/v1/keys/{key}/rotate",
    status_code=201,
    dependencies=[Depends(require_json)],
    responses=keyed_responses(*BODY_PROBLEMS, KeyNotFound, SecondPersonNeeded),
)
async def rotate_key(
    provided: Provided, by: Admin, key: KeyId, body: schemas.RotationIn
) -> schemas.IssuedOut:
    """Replace a key by a new one.

    The new key has the same platform, scopes and limits. Both are active during the overlap,
    which begins when the new key becomes active. As with a new key, some scopes need a `digest`
    and approval; holders can replace their own key without (`POST /v1/keys/self/rotate`). Without
    a digest the new key is active at once, and shown only in this response. Requires the scope
    `admin`.
    """
    digest = keys.read_digest(body.digest) if body.digest is not None else None
    new = await keys.rotate_key(provided.store, key, by, overlap_s=body.overlap_s, digest=digest)
    return schemas.IssuedOut.of(new)


@router.delete(
    "/v1/keys/{key}",
    status_code=204,
    response_description="The key is revoked.",
    responses=keyed_responses(KeyNotFound, InvalidRequest),
)
async def revoke_key(provided: Provided, by: Admin, key: KeyId) -> None:
    """Revoke a key.

    Takes effect on every worker within a second, and cannot be undone. Requires the scope
    `admin`.
    """
    await keys.revoke_key(provided.store, key, by)
