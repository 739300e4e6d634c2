"""The public names of the package: complete, sorted, documented and typed."""

import ast
from pathlib import Path

import pytest
import unseen
from unseen import errors


def test_all_is_sorted_and_complete() -> None:
    listed = [name for name in unseen.__all__ if not name.isupper()]
    constants = [name for name in unseen.__all__ if name.isupper()]
    assert unseen.__all__ == (
        sorted(constants)
        + sorted(name for name in listed if name[0].isupper())
        + sorted(name for name in listed if name[0].islower())
    )
    assert all(hasattr(unseen, name) for name in unseen.__all__)


def test_every_error_is_public_documented_and_in_the_tree() -> None:
    for name, error in vars(errors).items():
        if isinstance(error, type) and issubclass(error, errors.UnseenError):
            assert name in unseen.__all__
            assert error.__doc__
            assert name in (errors.__doc__ or "")


def test_type_checkers_see_the_names_that_are_imported_when_they_are_used() -> None:
    tree = ast.parse(Path(unseen.__file__).read_text(encoding="utf-8"))
    for_type_checkers = {
        alias.asname: statement.module
        for statement in ast.walk(tree)
        if isinstance(statement, ast.ImportFrom) and statement.level == 1
        for alias in statement.names
        if alias.asname == alias.name
    }
    assert for_type_checkers == unseen._MODULE_OF
    assert set(unseen.__all__) <= set(dir(unseen))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        unseen.nonsense  # type: ignore[attr-defined]  # noqa: B018


def test_the_package_is_typed() -> None:
    assert (Path(unseen.__file__).parent / "py.typed").exists()
