"""The staff's calls: the audit log, and what platforms have not answered."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from ... import exchange, oversight
from ...chain import timestamp
from ...models import AuditEntry, Key, Scope
from ..authentication import key_with
from ..openapi import problems
from ..schemas import feedback as feedback_schemas
from ..schemas import staff as schemas
from ..services import Provided

router = APIRouter(tags=["staff"])


@router.get("/v1/audit", responses=problems(401, 403, 422, 503))
async def read_audit(
    provided: Provided,
    _: Annotated[Key, Depends(key_with(Scope.AUDIT))],
    after: Annotated[int, Query(ge=0, lt=1 << 63)] = 0,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    kind: Annotated[str | None, Query(pattern=r"^[a-z.-]{1,64}$")] = None,
) -> schemas.AuditOut:
    """Read the audit log, oldest first."""
    page = await oversight.read_audit(provided.store, after=after, limit=limit, kind=kind)
    return schemas.AuditOut(
        entries=[_entry(entry) for entry in page.entries],
        head=schemas.AuditHeadOut(position=page.head_position, digest=page.head_digest.hex()),
    )


@router.get("/v1/overdue", responses=problems(401, 403, 422, 503))
async def list_overdue(
    provided: Provided,
    _: Annotated[Key, Depends(key_with(Scope.AUDIT))],
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> feedback_schemas.OverdueOut:
    """List what platforms have not answered within the service's hours, the oldest first."""
    hours = provided.settings.overdue_hours
    found = await exchange.list_overdue(provided.store, hours, limit)
    items = [feedback_schemas.OverdueItemOut.model_validate(asdict(each)) for each in found]
    return feedback_schemas.OverdueOut(hours=hours, overdue=items)


def _entry(entry: AuditEntry) -> schemas.AuditEntryOut:
    return schemas.AuditEntryOut(
        position=entry.position,
        at=timestamp(entry.at),
        kind=entry.kind,
        actor=entry.actor,
        subject=entry.subject,
        details=dict(entry.details),
        digest=entry.digest.hex(),
    )
