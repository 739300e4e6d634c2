"""The router that every module of routes creates."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Depends, params
from fastapi.routing import APIRoute

from .query_parameters import check_query


def _operation_id(route: APIRoute) -> str:
    return route.name


def make_router(*, dependencies: Sequence[params.Depends] = (), **more: Any) -> APIRouter:
    """Make a router that refuses unknown query parameters before anything else.

    The operation IDs in openapi.yaml are the names of the functions.
    """
    return APIRouter(
        generate_unique_id_function=_operation_id,
        dependencies=[Depends(check_query), *dependencies],
        **more,
    )
