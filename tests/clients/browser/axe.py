"""axe-core, the accessibility checker, run in a page."""

from importlib.resources import files
from typing import Any

from playwright.sync_api import Frame, Page

_AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
_RUN = """(rules) => axe.run(document, { iframes: false, resultTypes: ["violations"], rules })
    .then((found) => found.violations.map((each) =>
        [each.id, each.nodes.map((node) => node.html + " " + node.failureSummary)]))"""


def find_violations(page: Page | Frame, rules: dict[str, Any] | None = None) -> list[Any]:
    """Return the violations in one document, without its frames; `rules` are options of axe."""
    page.evaluate(_AXE)
    found: list[Any] = page.evaluate(_RUN, rules or {})
    return found
