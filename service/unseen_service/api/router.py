"""What every module of routes begins with."""

from functools import partial

from fastapi import APIRouter
from fastapi.routing import APIRoute


def _name(route: APIRoute) -> str:
    return route.name


make_router = partial(APIRouter, generate_unique_id_function=_name)
"""A router whose routes are called in openapi.yaml as their functions are."""
