"""The routes, one module for each who calls them, or for each subject."""

from fastapi import APIRouter

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

router = APIRouter()
for each in _ROOMS:
    router.include_router(each.router)

match = platform.match

__all__ = ["match", "router"]
