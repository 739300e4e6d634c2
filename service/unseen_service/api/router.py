"""The router that every module of routes creates."""

from functools import partial

from fastapi import APIRouter
from fastapi.routing import APIRoute


def _operation_id(route: APIRoute) -> str:
    return route.name


make_router = partial(APIRouter, generate_unique_id_function=_operation_id)
"""Make a router whose operation IDs in openapi.yaml are the names of the functions."""
