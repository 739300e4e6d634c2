"""The routes, one module per subject."""

from starlette.routing import BaseRoute

from . import (
    alerts,
    audit,
    cases,
    disputes,
    feed,
    feedback,
    health,
    keys,
    match,
    overdue,
    pages,
    proofs,
    review,
    service,
    statistics,
    stopncii,
    webhooks,
)

# In the order in which they are tried: lookups first, since they are by far the most frequent.
_MODULES = (
    match,
    cases,
    pages,
    feed,
    feedback,
    webhooks,
    stopncii,
    audit,
    overdue,
    alerts,
    review,
    service,
    disputes,
    statistics,
    proofs,
    keys,
    health,
)

# The routes themselves, not a router of routers: FastAPI would copy each of them on a worker's
# first request, and search two levels on every other.
routes: list[BaseRoute] = [route for module in _MODULES for route in module.router.routes]

__all__ = ["routes"]
