"""The routes, one module for each who calls them."""

from fastapi import APIRouter

from . import feed, feedback, operator, person, platform, staff

router = APIRouter()
for each in (person, platform, feed, feedback, staff, operator):
    router.include_router(each.router)

__all__ = ["router"]
