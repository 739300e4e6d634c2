"""The audit log, for staff: read, exported, linked to a case. Every read states a reason."""

from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query
from fastapi.responses import StreamingResponse

from ...models.audit import AuditEntry
from ...tlog.chain import contents
from ...usecases import actors, audit_log
from ..authentication import Auditor, Reason
from ..bodies import json_only
from ..dependencies import Provided
from ..openapi import keyed
from ..router import make_router
from ..schemas import audit as schemas

router = make_router(tags=["staff"])

NDJSON = "application/x-ndjson"
EXACT = 1 << 53
"""From here on JavaScript's numbers are not exact: an entry that held one could not be verified."""


@router.get("/v1/audit", responses=keyed(422))
async def read_audit(
    provided: Provided,
    by: Auditor,
    reason: Reason,
    *,
    after: Annotated[int, Query(ge=0, lt=EXACT)] = 0,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    kind: Annotated[str | None, Query(pattern=r"^[a-z.-]{1,64}$")] = None,
) -> schemas.AuditOut:
    """Read the audit log, oldest first; that it was read is an entry too.

    A page shorter than `limit` is the last one.
    """
    page = await audit_log.read_audit(
        provided.store, by, reason, after=after, limit=limit, kind=kind
    )
    return _page(page)


@router.get("/v1/audit/latest", responses=keyed(422))
async def read_latest_audit(
    provided: Provided,
    by: Auditor,
    reason: Reason,
    *,
    before: Annotated[int | None, Query(ge=1, lt=EXACT)] = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    kind: Annotated[str | None, Query(pattern=r"^[a-z.-]{1,64}$")] = None,
    actor: Annotated[str | None, Query(max_length=220)] = None,
    subject: Annotated[UUID | None, Query(description="A case's reference.")] = None,
) -> schemas.AuditOut:
    """Read the audit log from its end, newest first; that it was read is an entry, and the first.

    Ask again with `before` the last position for what is older.
    """
    asked = {"kind": kind, "actor": actor and actors.checked_text(actor, "query.actor", "An actor")}
    page = await audit_log.read_audit_back(
        provided.store,
        by,
        reason,
        before=before,
        limit=limit,
        subject=str(subject) if subject else None,
        **asked,
    )
    return _page(page)


@router.get(
    "/v1/audit/export",
    response_class=StreamingResponse,
    responses={
        200: {"description": "The log, then its checkpoint.", "content": {NDJSON: {}}},
        **keyed(422, 500),
    },
)
async def export_audit(provided: Provided, by: Auditor, reason: Reason) -> StreamingResponse:
    """Export the whole audit log: a line of JSON an entry, and last the signed checkpoint.

    An export without that last line was cut off. `unseen audit verify FILE` verifies it offline.
    """
    size, pages = await audit_log.export_audit(provided.store, by, reason)
    checkpoint = await provided.checkpoints.of(size)
    return StreamingResponse(_lines(pages, checkpoint), media_type=NDJSON)


@router.post(
    "/v1/audit/references",
    dependencies=[Depends(json_only)],
    responses=keyed(404, 413, 415, 422),
)
async def link_case(
    provided: Provided, by: Auditor, reason: Reason, asked: schemas.ReferenceIn
) -> schemas.ReferenceOut:
    """Tell what the audit log calls a case, to staff who have its number; the asking is an entry.

    The other way round there is none: from a reference no case can be found.
    """
    return schemas.ReferenceOut(
        reference=await audit_log.link_case(provided.store, by, reason, asked.case)
    )


@router.post(
    "/v1/audit/verifications",
    dependencies=[Depends(json_only)],
    responses=keyed(413, 415, 422),
)
async def tell_verified(
    provided: Provided, by: Auditor, reason: Reason, told: schemas.VerificationIn
) -> schemas.VerificationOut:
    """Tell that you verified an export of the log, and what came of it: that is an entry."""
    same = await audit_log.report_verified(
        provided.store,
        by,
        reason,
        fits=told.fits,
        position=told.position,
        root=bytes.fromhex(told.root) if told.root else None,
    )
    return schemas.VerificationOut(same_root=same)


async def _lines(pages: AsyncIterator[list[AuditEntry]], checkpoint: str) -> AsyncIterator[bytes]:
    async for page in pages:
        yield audit_log.export_lines(page)
    yield audit_log.last_line(checkpoint)


def _page(page: audit_log.AuditPage) -> schemas.AuditOut:
    return schemas.AuditOut(
        entries=[_entry(entry) for entry in page.entries],
        head=schemas.AuditHeadOut(position=page.head.position, digest=page.head.digest.hex()),
    )


def _entry(entry: AuditEntry) -> schemas.AuditEntryOut:
    return schemas.AuditEntryOut(**contents(entry), digest=entry.digest.hex())
