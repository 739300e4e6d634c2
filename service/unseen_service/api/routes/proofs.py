"""Proofs of the audit log, for anyone with a key: they reveal nothing about its entries.

Nor about its size now: that would tell when people submit. Only keys with the scope `audit` see
more than the checkpoint that is handed out once an hour.
"""

from typing import Annotated

from fastapi import Depends, Query
from fastapi.responses import PlainTextResponse

from ...errors import ChainBroken, InvalidRequest, StillLoading
from ...models.keys import Key, Scope
from ...usecases import audit_log
from ...usecases import checkpoints as checkpoint_flow
from ..authentication import require_key
from ..dependencies import Provided, Services
from ..openapi import keyed_responses
from ..router import make_router
from ..schemas import proofs as schemas

router = make_router(tags=["proofs"])

AnyKey = Annotated[Key, Depends(require_key(None))]

_CURRENT = (
    "The size of the log, in entries; if not given, that of the newest checkpoint that you may get."
)
Size = Annotated[int | None, Query(ge=1, lt=1 << 63, description=_CURRENT)]


@router.get(
    "/v1/audit/checkpoint",
    response_class=PlainTextResponse,
    response_description="A checkpoint in C2SP's tlog-checkpoint format.",
    responses=keyed_responses(ChainBroken, InvalidRequest),
)
async def checkpoint(
    provided: Provided,
    key: AnyKey,
    published: Annotated[
        bool,
        Query(
            description="With a key of the scope `audit`: whether to get the checkpoint that was "
            "handed out last instead of one of the log as it is now."
        ),
    ] = False,
) -> str:
    """Get a signed checkpoint of the audit log.

    A checkpoint states the size of the log and its Merkle root. Keep it: a later consistency proof
    shows that the log still begins with the same entries.

    The service signs the log for others once an hour, and asks its witnesses to sign too; this is
    what you get, with their signatures. A key with the scope `audit` gets a checkpoint of the log
    as it is now, without theirs, unless it asks for the `published` one. Requires any active key.
    """
    if Scope.AUDIT in key.scopes and not published:
        return await provided.checkpoints.current()
    found = await checkpoint_flow.published(provided.store)
    # Before the first is due, a few moments after the first start, sign one.
    found = found or await provided.checkpoints.publish_if_due(every_s=3_600)
    if found is None:
        raise StillLoading
    return found.cosigned


async def _most(provided: Services, key: Key) -> int | None:
    """Return how large a log the holder of a key may know of; None: all of it."""
    if Scope.AUDIT in key.scopes:
        return None
    found = await checkpoint_flow.published(provided.store)
    return found.size if found else 0


@router.get(
    "/v1/audit/verifier", responses=keyed_responses(), dependencies=[Depends(require_key(None))]
)
async def verifier(provided: Provided) -> schemas.VerifierOut:
    """Get the public key of checkpoints.

    Compare it with the key that the operator publishes elsewhere. Requires any active key.
    """
    return schemas.VerifierOut(verifier=provided.checkpoints.public_key)


@router.get("/v1/audit/proof/inclusion", responses=keyed_responses(InvalidRequest))
async def inclusion(
    provided: Provided,
    key: AnyKey,
    position: Annotated[
        int, Query(ge=1, lt=1 << 63, description="The position of the entry, from 1.")
    ],
    size: Size = None,
) -> schemas.InclusionOut:
    """Prove that an entry is in the audit log.

    The path is as in RFC 9162, section 2.1.3. Requires any active key.
    """
    most = await _most(provided, key)
    size, leaf, path = await audit_log.prove_inclusion(provided.store, position, size, most=most)
    return schemas.InclusionOut(
        position=position, size=size, leaf=leaf.hex(), path=[each.hex() for each in path]
    )


@router.get("/v1/audit/proof/consistency", responses=keyed_responses(InvalidRequest))
async def consistency(
    provided: Provided,
    key: AnyKey,
    first: Annotated[
        int, Query(ge=1, lt=1 << 63, description="The size of an earlier log, in entries.")
    ],
    second: Size = None,
) -> schemas.ConsistencyOut:
    """Prove that the audit log extends an earlier one.

    The path is as in RFC 9162, section 2.1.4. Requires any active key.
    """
    most = await _most(provided, key)
    second, path = await audit_log.prove_consistency(provided.store, first, second, most=most)
    return schemas.ConsistencyOut(first=first, second=second, path=[each.hex() for each in path])
