"""Proofs of the audit log, for anyone with a key: they reveal nothing about its entries."""

from typing import Annotated

from fastapi import Depends, Query
from fastapi.responses import PlainTextResponse

from ...errors import ChainBroken, InvalidRequest
from ...usecases import audit_log
from ..authentication import require_key
from ..dependencies import Provided
from ..openapi import keyed_responses
from ..router import make_router
from ..schemas import proofs as schemas

router = make_router(tags=["proofs"], dependencies=[Depends(require_key(None))])

_CURRENT = "The size of the log, in entries; the current size if not given."
Size = Annotated[int | None, Query(ge=1, lt=1 << 63, description=_CURRENT)]


@router.get(
    "/v1/audit/checkpoint",
    response_class=PlainTextResponse,
    response_description="A checkpoint in C2SP's tlog-checkpoint format.",
    responses=keyed_responses(ChainBroken),
)
async def checkpoint(provided: Provided) -> str:
    """Get a signed checkpoint of the audit log.

    A checkpoint states the current size of the log and its Merkle root. Keep it: a later
    consistency proof shows that the log still begins with the same entries.
    Requires any active key.
    """
    return await provided.checkpoints.current()


@router.get("/v1/audit/verifier", responses=keyed_responses())
async def verifier(provided: Provided) -> schemas.VerifierOut:
    """Get the public key of checkpoints.

    Compare it with the key that the operator publishes elsewhere. Requires any active key.
    """
    return schemas.VerifierOut(verifier=provided.checkpoints.public_key)


@router.get("/v1/audit/proof/inclusion", responses=keyed_responses(InvalidRequest))
async def inclusion(
    provided: Provided,
    position: Annotated[
        int, Query(ge=1, lt=1 << 63, description="The position of the entry, from 1.")
    ],
    size: Size = None,
) -> schemas.InclusionOut:
    """Prove that an entry is in the audit log.

    The path is as in RFC 9162, section 2.1.3. Requires any active key.
    """
    size, leaf, path = await audit_log.prove_inclusion(provided.store, position, size)
    return schemas.InclusionOut(
        position=position, size=size, leaf=leaf.hex(), path=[each.hex() for each in path]
    )


@router.get("/v1/audit/proof/consistency", responses=keyed_responses(InvalidRequest))
async def consistency(
    provided: Provided,
    first: Annotated[
        int, Query(ge=1, lt=1 << 63, description="The size of an earlier log, in entries.")
    ],
    second: Size = None,
) -> schemas.ConsistencyOut:
    """Prove that the audit log extends an earlier one.

    The path is as in RFC 9162, section 2.1.4. Requires any active key.
    """
    second, path = await audit_log.prove_consistency(provided.store, first, second)
    return schemas.ConsistencyOut(first=first, second=second, path=[each.hex() for each in path])
