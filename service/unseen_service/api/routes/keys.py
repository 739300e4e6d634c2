"""The keys' calls, for staff who may give them: issue, approve, rotate, revoke, list."""

from typing import Annotated

from fastapi import Depends, Path

from ...models.keys import IssuedKey, NewKey
from ...usecases import keys
from ..authentication import Admin, Reason
from ..bodies import json_only
from ..dependencies import Provided
from ..openapi import keyed
from ..router import make_router
from ..schemas import keys as schemas

router = make_router(tags=["keys"])

KeyId = Annotated[int, Path(ge=1, lt=1 << 63)]


@router.get("/v1/keys", responses=keyed(422))
async def list_keys(provided: Provided, by: Admin, reason: Reason) -> schemas.KeysOut:
    """List every key, without what is secret; that they were listed is an entry."""
    found = await keys.read_keys(provided.store, by, reason)
    return schemas.KeysOut(keys=[schemas.KeyOut.of(key, provided.clock.now()) for key in found])


@router.post(
    "/v1/keys",
    status_code=201,
    dependencies=[Depends(json_only)],
    responses=keyed(413, 415, 422),
)
async def issue_key(provided: Provided, by: Admin, asked: schemas.KeyIn) -> schemas.IssuedOut:
    """Make a key. With the scope feed or admin it waits until another admin key approves it."""
    new = NewKey(asked.platform, frozenset(asked.scopes), asked.note, asked.expires_at)
    return _issued(await keys.issue_key(provided.store, new, by))


@router.post("/v1/keys/{key}/approve", status_code=204, responses=keyed(404, 409, 422))
async def approve_key(provided: Provided, by: Admin, key: KeyId) -> None:
    """Put a waiting key in force, with an admin key of another person than who issued it."""
    await keys.approve_key(provided.store, key, by)


@router.post(
    "/v1/keys/{key}/rotate",
    status_code=201,
    dependencies=[Depends(json_only)],
    responses=keyed(404, 413, 415, 422),
)
async def rotate_key(
    provided: Provided, by: Admin, key: KeyId, asked: schemas.RotationIn
) -> schemas.IssuedOut:
    """Make a key that takes the place of another; for a time both are in force.

    That time begins when the new one is in force: at once, or when it is approved.
    """
    new = await keys.rotate_key(provided.store, key, by, overlap_s=asked.overlap_s)
    return _issued(new)


@router.delete("/v1/keys/{key}", status_code=204, responses=keyed(404, 422))
async def revoke_key(provided: Provided, by: Admin, key: KeyId) -> None:
    """Put a key out of force, on every worker within a second, for good."""
    await keys.revoke_key(provided.store, key, by)


def _issued(new: IssuedKey) -> schemas.IssuedOut:
    return schemas.IssuedOut(id=new.id, key=new.key, status=new.status)
