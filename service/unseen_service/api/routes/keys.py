"""Keys, for staff who manage them: issue, approve, rotate, revoke, list."""

from typing import Annotated

from fastapi import Depends, Path

from ...errors import InvalidRequest, KeyNotFound, SecondPersonNeeded
from ...models.keys import IssuedKey, NewKey
from ...usecases import keys
from ..authentication import Admin, Reason
from ..bodies import require_json
from ..dependencies import Provided
from ..json_routes import JsonRoute
from ..openapi import BODY_PROBLEMS, keyed_responses
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
    responses=keyed_responses(*BODY_PROBLEMS),
)
async def issue_key(provided: Provided, by: Admin, body: schemas.KeyIn) -> schemas.IssuedOut:
    """Issue a key.

    A key with the scope `feed` or `admin` is pending until someone else approves it; any other is
    active at once. The key is shown only in this response. Requires the scope `admin`.
    """
    new = NewKey(body.platform, frozenset(body.scopes), body.note, body.expires_at)
    return _issued(await keys.issue_key(provided.store, new, by))


@router.post(
    "/v1/keys/{key}/approve",
    status_code=204,
    response_description="The key is active.",
    responses=keyed_responses(KeyNotFound, SecondPersonNeeded, InvalidRequest),
)
async def approve_key(provided: Provided, by: Admin, key: KeyId) -> None:
    """Approve a pending key.

    Send an admin key of someone other than the person who issued the key. If the key replaces
    another, the overlap begins now. Requires the scope `admin`.
    """
    await keys.approve_key(provided.store, key, by)


@router.post(
    "/v1/keys/{key}/rotate",
    status_code=201,
    dependencies=[Depends(require_json)],
    responses=keyed_responses(*BODY_PROBLEMS, KeyNotFound),
)
async def rotate_key(
    provided: Provided, by: Admin, key: KeyId, body: schemas.RotationIn
) -> schemas.IssuedOut:
    """Replace a key by a new one.

    The new key has the same platform, scopes and limits. Both are active during the overlap,
    which begins when the new key becomes active: at once, or on approval. The new key is shown
    only in this response. Requires the scope `admin`.
    """
    new = await keys.rotate_key(provided.store, key, by, overlap_s=body.overlap_s)
    return _issued(new)


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


def _issued(new: IssuedKey) -> schemas.IssuedOut:
    return schemas.IssuedOut(id=new.id, key=new.key, status=new.status)
