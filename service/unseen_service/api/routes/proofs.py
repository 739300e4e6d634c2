"""The log's proofs, for every holder of a key: they say nothing of what the entries say."""

from typing import Annotated

from fastapi import Depends, Query
from fastapi.responses import PlainTextResponse

from ...usecases import audit_log
from ..authentication import key_with
from ..dependencies import Provided
from ..openapi import keyed
from ..router import make_router
from ..schemas import proofs as schemas

router = make_router(tags=["proofs"], dependencies=[Depends(key_with(None))])

Size = Annotated[int | None, Query(ge=1, lt=1 << 63)]
Required = Annotated[int, Query(ge=1, lt=1 << 63)]


@router.get(
    "/v1/audit/checkpoint",
    response_class=PlainTextResponse,
    responses=keyed(500),
)
async def checkpoint(provided: Provided) -> str:
    """Sign how long the log is, and its Merkle root: a checkpoint (C2SP), to be kept by anybody."""
    return await provided.checkpoints.current()


@router.get("/v1/audit/verifier", responses=keyed())
async def verifier(provided: Provided) -> schemas.VerifierOut:
    """Give the public key that checkpoints are signed with; compare it with the operator's word."""
    return schemas.VerifierOut(verifier=provided.checkpoints.public_key)


@router.get("/v1/audit/proof/inclusion", responses=keyed(422))
async def inclusion(
    provided: Provided, position: Required, size: Size = None
) -> schemas.InclusionOut:
    """Prove that an entry is in the log of a size (as it is now, unless given): RFC 9162, 2.1.3."""
    size, leaf, path = await audit_log.prove_inclusion(provided.store, position, size)
    return schemas.InclusionOut(
        position=position, size=size, leaf=leaf.hex(), path=[each.hex() for each in path]
    )


@router.get("/v1/audit/proof/consistency", responses=keyed(422))
async def consistency(
    provided: Provided, first: Required, second: Size = None
) -> schemas.ConsistencyOut:
    """Prove that the log of one size begins with that of a smaller one: RFC 9162, 2.1.4."""
    second, path = await audit_log.prove_consistency(provided.store, first, second)
    return schemas.ConsistencyOut(first=first, second=second, path=[each.hex() for each in path])
