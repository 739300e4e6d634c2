"""Labels and states are set as attributes: Firefox before 119 ignores such properties."""

import re
from pathlib import Path

import pytest

STAFF = Path(__file__).parents[3] / "clients" / "staff"
PROPERTY = re.compile(r"\baria[A-Z]\w*|\.role = |Object\.assign\([^)]*\brole:")


@pytest.mark.parametrize("script", sorted(STAFF.glob("*.js")), ids=lambda path: path.name)
def test_no_script_sets_labels_as_properties(script: Path) -> None:
    assert PROPERTY.findall(script.read_text("utf-8")) == []


def test_properties_are_recognised() -> None:
    for line in ("a.ariaLabel = b", "a.role = 'b'", "Object.assign(a, { role: 'b' })"):
        assert PROPERTY.search(line)
