"""The documentation agrees with the code."""

import re
from dataclasses import fields
from pathlib import Path

from unseen_service.settings import PREFIX, Settings

_ROOT = Path(__file__).parents[2]


def test_every_setting_is_documented_with_its_default() -> None:
    rows = dict(
        re.findall(
            r"^\| `(\w+)` \| (\S+) \|", (_ROOT / "docs/settings.md").read_text(), re.MULTILINE
        )
    )
    for each in fields(Settings):
        if each.name != "database_url":
            assert rows[PREFIX + each.name.upper()] == str(each.default)


def test_the_readme_opens_with_one_sentence_and_three_commands() -> None:
    lines = (_ROOT / "README.md").read_text().splitlines()
    assert lines[0] == "# Unseen"
    assert lines[2].endswith(".")
    commands = [line.split("#")[0].strip() for line in lines[4:7]]
    assert commands == ["make demo", "make run", "make test"]


def _anchors(page: Path) -> set[str]:
    """Return the fragments of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", each).strip().lower().replace(" ", "-") for each in headings}


def test_every_link_between_documents_resolves() -> None:
    for page in [*_ROOT.glob("*.md"), *(_ROOT / "docs").rglob("*.md")]:
        links = re.findall(r"\]\((?!http|mailto)([^)#]*)#?([^)]*)\)", page.read_text())
        for target, fragment in links:
            linked = page.parent / target if target else page
            assert linked.exists(), f"{page.name} links to {target}"
            assert not fragment or fragment in _anchors(linked), f"{page.name}: #{fragment}"


def test_the_files_named_in_the_life_of_a_hash_exist() -> None:
    text = (_ROOT / "docs/life-of-a-hash.md").read_text()
    code = [
        str(path) for folder in ("service", "clients") for path in (_ROOT / folder).rglob("*.py")
    ]
    for name in set(re.findall(r"`([\w/]+\.py)`", text)):
        assert any(path.endswith(f"/{name}") for path in code), f"there is no {name}"


def test_the_tests_named_in_the_threat_model_exist() -> None:
    text = (_ROOT / "docs/threat-model.md").read_text()
    named = re.findall(r"`(test_\w+\.py)::(test_\w+)`", text)
    assert len(named) >= 20
    for file, test in named:
        texts = [path.read_text() for path in (_ROOT / "tests").rglob(file)]
        assert any(f"def {test}(" in text for text in texts), f"{file} has no {test}"
