"""The routes, one module for each who calls them, or for each subject."""

from starlette.routing import BaseRoute

from . import (
    feed,
    feedback,
    keys,
    operator,
    page,
    person,
    platform,
    proofs,
    review,
    staff,
    stopncii,
    webhooks,
)

# In the order in which they are tried: the look-up, the busiest by far, comes first.
_ROOMS = (
    platform,
    person,
    page,
    feed,
    feedback,
    webhooks,
    stopncii,
    staff,
    review,
    proofs,
    keys,
    operator,
)

# The routes themselves, not a router of routers: FastAPI would make each of them anew for that, at
# a worker's first request, and look through two levels at every other.
routes: list[BaseRoute] = [route for room in _ROOMS for route in room.router.routes]

match = platform.match

__all__ = ["match", "routes"]
