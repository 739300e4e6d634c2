"""No published name of the API is renamed or disappears, and new ones are published knowingly."""

import pkgutil
from collections import defaultdict
from enum import Enum
from importlib import import_module

from pydantic import BaseModel
from unseen_service.api import problems, schemas

from tools.openapi import openapi_schema
from tools.published_api import current_names, gone_message, published_names


def test_every_published_name_still_exists() -> None:
    gone = published_names() - current_names()
    assert not gone, gone_message(gone)


def test_every_name_is_published() -> None:
    new = sorted(current_names() - published_names())
    assert not new, (
        f"These names of the API are new: {', '.join(new)}. Once clients use them they can no "
        "longer change. If they are final, run `.venv/bin/python -m tools.published_api` and "
        "commit tests/contract/published_api.txt."
    )


def test_schema_classes_have_unique_names() -> None:
    # FastAPI renames both if two have one name: the published name would silently disappear.
    modules = [
        import_module(f"{schemas.__name__}.{each.name}")
        for each in pkgutil.iter_modules(schemas.__path__)
    ]
    classes = defaultdict(set)
    for module in (*modules, problems):
        for each in vars(module).values():
            if isinstance(each, type) and issubclass(each, BaseModel | Enum):
                classes[each.__name__].add(f"{each.__module__}.{each.__qualname__}")
    assert len(modules) > 10
    repeated = {name: sorted(found) for name, found in classes.items() if len(found) > 1}
    assert not repeated, f"Rename all but one of the schema classes of each name: {repeated}"


def test_published_schemas_are_named_like_their_classes() -> None:
    names = openapi_schema()["components"]["schemas"]
    # "module__Name" is what FastAPI makes of two classes of one name, "Name-Input" of one that
    # differs between request and response.
    assert [name for name in names if not name.isalpha()] == []
