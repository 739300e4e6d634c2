"""The routes, one module for each who calls them."""

from fastapi import APIRouter

from . import (
    feed,
    feedback,
    keys,
    operator,
    person,
    platform,
    proofs,
    staff,
    stopncii,
    webhooks,
)

router = APIRouter()
for each in (
    person,
    platform,
    feed,
    feedback,
    webhooks,
    stopncii,
    staff,
    proofs,
    keys,
    operator,
):
    router.include_router(each.router)

__all__ = ["router"]
