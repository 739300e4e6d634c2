"""The routes, one module for each who calls them."""

from fastapi import APIRouter

from . import feed, feedback, keys, operator, page, person, platform, proofs, staff, stopncii

router = APIRouter()
for each in (page, person, platform, feed, feedback, stopncii, staff, proofs, keys, operator):
    router.include_router(each.router)

__all__ = ["router"]
