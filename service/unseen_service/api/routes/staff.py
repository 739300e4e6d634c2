"""The staff's calls: the audit log, and what platforms have not answered. Reads say why."""

from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query
from fastapi.responses import StreamingResponse

from ... import oversight
from ...chain import contents
from ...models import AuditEntry, Scope, Staff
from ..authentication import Reason, staff_with
from ..bodies import json_only
from ..openapi import keyed
from ..rooms import Room
from ..schemas import feedback as feedback_schemas
from ..schemas import staff as schemas
from ..services import Provided

router = Room(tags=["staff"])

NDJSON = "application/x-ndjson"
EXACT = 1 << 53
"""From here on JavaScript's numbers are not exact: an entry that held one could not be verified."""
Auditor = Annotated[Staff, Depends(staff_with(Scope.AUDIT))]


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
    page = await oversight.read_audit(
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
    asked = {"kind": kind, "actor": actor and oversight.plain(actor, "query.actor", "An actor")}
    page = await oversight.read_audit_back(
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
    size, pages = await oversight.export_audit(provided.store, by, reason)
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
        reference=await oversight.link_case(provided.store, by, reason, asked.case)
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
    same = await oversight.tell_verified(
        provided.store,
        by,
        reason,
        fits=told.fits,
        position=told.position,
        root=bytes.fromhex(told.root) if told.root else None,
    )
    return schemas.VerificationOut(same_root=same)


@router.get("/v1/overdue", responses=keyed(422))
async def list_overdue(
    provided: Provided,
    by: Auditor,
    reason: Reason,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> feedback_schemas.OverdueOut:
    """List what platforms have not answered within the service's hours, the oldest first.

    That it was read is an entry.
    """
    hours = provided.settings.overdue_hours
    found = await oversight.read_overdue(provided.store, by, reason, hours, limit)
    items = [feedback_schemas.OverdueItemOut.model_validate(asdict(each)) for each in found]
    return feedback_schemas.OverdueOut(hours=hours, overdue=items)


@router.get("/v1/alerts", responses=keyed(422))
async def read_alerts(
    provided: Provided,
    by: Auditor,
    reason: Reason,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> schemas.AlertsOut:
    """Read what staff should look at, newest first: keys whose look-ups are like probing."""
    found = await oversight.read_alerts(provided.store, by, reason, limit)
    return schemas.AlertsOut(alerts=[schemas.AlertOut.of(each) for each in found])


async def _lines(pages: AsyncIterator[list[AuditEntry]], checkpoint: str) -> AsyncIterator[bytes]:
    async for page in pages:
        yield oversight.export_lines(page)
    yield oversight.last_line(checkpoint)


def _page(page: oversight.AuditPage) -> schemas.AuditOut:
    return schemas.AuditOut(
        entries=[_entry(entry) for entry in page.entries],
        head=schemas.AuditHeadOut(position=page.head.position, digest=page.head.digest.hex()),
    )


def _entry(entry: AuditEntry) -> schemas.AuditEntryOut:
    return schemas.AuditEntryOut(**contents(entry), digest=entry.digest.hex())
