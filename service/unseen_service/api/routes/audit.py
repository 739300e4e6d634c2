"""The audit log, for staff: read, export, link to a case. Every read states a reason."""

from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query
from fastapi.responses import StreamingResponse

from ...errors import ChainBroken, InvalidRequest, NoSuchCase
from ...models.audit import AuditEntry
from ...tlog.chain import contents
from ...usecases import actors, audit_log
from ..authentication import Auditor, Reason
from ..bodies import require_json
from ..dependencies import Provided
from ..json_routes import JsonRoute
from ..openapi import BODY_PROBLEMS, keyed_responses
from ..router import make_router
from ..schemas import audit as schemas

router = make_router(route_class=JsonRoute, tags=["staff"])

NDJSON = "application/x-ndjson"
INEXACT = 1 << 53
"""From here on, numbers in JavaScript are inexact: it could not verify an entry that holds one."""

Limit = Annotated[int, Query(ge=1, le=1_000, description="The most entries to return.")]
Kind = Annotated[
    str | None,
    Query(
        pattern=r"^[a-z.-]{1,64}$",
        description="Return only entries of this kind.",
        examples=["review.decided"],
    ),
]


@router.get("/v1/audit", responses=keyed_responses(InvalidRequest))
async def read_audit(
    provided: Provided,
    by: Auditor,
    reason: Reason,
    *,
    after: Annotated[
        int, Query(ge=0, lt=INEXACT, description="Return entries after this position.")
    ] = 0,
    limit: Limit = 100,
    kind: Kind = None,
) -> schemas.AuditOut:
    """Read the audit log, oldest entries first.

    For the next page, set `after` to the last position that you received; a page with fewer than
    `limit` entries is the last. The audit log records the read. Requires the scope `audit`.
    """
    page = await audit_log.read_audit(
        provided.store, by, reason, after=after, limit=limit, kind=kind
    )
    return _page(page)


@router.get("/v1/audit/latest", responses=keyed_responses(InvalidRequest))
async def read_latest_audit(
    provided: Provided,
    by: Auditor,
    reason: Reason,
    *,
    before: Annotated[
        int | None,
        Query(ge=1, lt=INEXACT, description="Return entries before this position."),
    ] = None,
    limit: Limit = 100,
    kind: Kind = None,
    actor: Annotated[
        str | None,
        Query(
            max_length=220,
            description="Return only entries of this actor.",
            examples=["platform:Example"],
        ),
    ] = None,
    subject: Annotated[
        UUID | None, Query(description="Return only entries about this case, by its reference.")
    ] = None,
) -> schemas.AuditOut:
    """Read the audit log, newest entries first.

    For older entries, set `before` to the last position that you received. The audit log records
    the read, so without `before` the first entry is that of the read itself, unless a filter
    excludes it. Requires the scope `audit`.
    """
    filters = {
        "kind": kind,
        "actor": actor and actors.checked_text(actor, "query.actor", "An actor"),
    }
    page = await audit_log.read_audit_back(
        provided.store,
        by,
        reason,
        before=before,
        limit=limit,
        subject=str(subject) if subject else None,
        **filters,
    )
    return _page(page)


@router.get(
    "/v1/audit/export",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "All entries, one per line, then a line with the checkpoint.",
            "content": {NDJSON: {}},
        },
        **keyed_responses(InvalidRequest, ChainBroken),
    },
)
async def export_audit(provided: Provided, by: Auditor, reason: Reason) -> StreamingResponse:
    """Export the whole audit log.

    Each line is one entry as canonical JSON; the last line is the signed checkpoint of all
    entries before it. If that line is missing, the export is incomplete. Verify an export offline
    with `unseen audit verify FILE`. The audit log records the export. Requires the scope `audit`.
    """
    size, pages = await audit_log.export_audit(provided.store, by, reason)
    checkpoint = await provided.checkpoints.of(size)
    return StreamingResponse(_lines(pages, checkpoint), media_type=NDJSON)


@router.post(
    "/v1/audit/references",
    dependencies=[Depends(require_json)],
    responses=keyed_responses(*BODY_PROBLEMS, NoSuchCase),
)
async def link_case(
    provided: Provided, by: Auditor, reason: Reason, body: schemas.ReferenceIn
) -> schemas.ReferenceOut:
    """Look up the reference of a case by its number.

    Audit entries name a case by its reference only. There is no way back from a reference to the
    case number. The audit log records the request. Requires the scope `audit`.
    """
    return schemas.ReferenceOut(
        reference=await audit_log.link_case(provided.store, by, reason, body.case)
    )


@router.post(
    "/v1/audit/verifications",
    dependencies=[Depends(require_json)],
    responses=keyed_responses(*BODY_PROBLEMS),
)
async def tell_verified(
    provided: Provided, by: Auditor, reason: Reason, body: schemas.VerificationIn
) -> schemas.VerificationOut:
    """Report that you verified the audit log, and the result.

    The audit log records the result as you report it. Requires the scope `audit`.
    """
    same = await audit_log.report_verified(
        provided.store,
        by,
        reason,
        fits=body.fits,
        position=body.position,
        root=bytes.fromhex(body.root) if body.root else None,
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
