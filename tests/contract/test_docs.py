"""The documentation agrees with the code."""

import re
import tomllib
from dataclasses import fields
from pathlib import Path

import unseen_threatexchange
from unseen_service import __version__ as service_version
from unseen_service.settings import PREFIX, Settings

from tools.terms import repository_files

_ROOT = Path(__file__).parents[2]


def test_every_setting_is_documented_with_its_default() -> None:
    rows = dict(
        re.findall(
            r"^\| `(\w+)` \| (\S+) \|", (_ROOT / "docs/settings.md").read_text(), re.MULTILINE
        )
    )
    for each in fields(Settings):
        if each.name != "database_url":
            default = "none" if each.default is None else str(each.default)
            assert rows[PREFIX + each.name.upper()] == default


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


def test_every_path_named_in_the_documentation_exists() -> None:
    """Paths may leave out folders at their beginning; those with capital letters are examples."""
    files = ["/" + file for file in repository_files()]
    folders = {f"{file.rpartition('/')[0]}/" for file in files}
    for page in [*_ROOT.glob("*.md"), *(_ROOT / "docs").rglob("*.md")]:
        if page.name == "CHANGELOG.md":
            continue
        text = page.read_text()
        for name in re.findall(
            r"`([a-z0-9_./-]+\.(?:html|js|md|py|sh|sql|toml|txt|ya?ml))\b", text
        ):
            assert any(file.endswith(f"/{name}") for file in files), f"{page.name}: no {name}"
        for name in re.findall(r"`([a-z0-9_-]+/(?:[a-z0-9_-]+/)*)`", text):
            assert any(f"/{name}" in folder for folder in folders), f"{page.name}: no {name}"


def test_every_alert_named_in_the_documentation_exists() -> None:
    alerts = set(re.findall(r"alert: (\w+)", (_ROOT / "docs/alerts.yml").read_text()))
    for page in [*_ROOT.glob("*.md"), *(_ROOT / "docs").rglob("*.md")]:
        if page.name != "CHANGELOG.md":
            named = set(re.findall(r"\bUnseen[A-Z]\w+", page.read_text()))
            exchange = {"UnseenSignalExchangeAPI"}
            assert named - exchange <= alerts, f"{page.name}: {named - exchange - alerts}"


def test_every_statement_named_in_the_documentation_exists() -> None:
    for page in (_ROOT / "docs").rglob("*.md"):
        named = re.findall(r"`(\w+)` in `(store/queries/\w+\.sql)`", page.read_text())
        for statement, file in named:
            assert f"-- {statement}: " in (_ROOT / "service/unseen_service" / file).read_text()


_SECURITY = ("threat-model.md", "attacks.md")


def test_the_tests_named_in_the_threat_model_exist() -> None:
    text = "".join((_ROOT / "docs" / page).read_text() for page in _SECURITY)
    named = re.findall(r"`(test_\w+\.py)::(test_\w+)`", text)
    assert len(named) >= 20
    for file, test in named:
        texts = [path.read_text() for path in (_ROOT / "tests").rglob(file)]
        assert any(f"def {test}(" in text for text in texts), f"{file} has no {test}"


def test_the_packages_have_one_version_and_the_changelog_begins_with_it() -> None:
    projects = ("index", "service", "clients/python", "clients/threatexchange")
    texts = [(_ROOT / each / "pyproject.toml").read_text() for each in projects]
    versions = {tomllib.loads(text)["project"]["version"] for text in texts}
    versions |= {service_version, unseen_threatexchange.__version__}
    newest = re.search(r"^## (\S+)", (_ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest
    assert versions == {newest[1]}
