"""Puts the staff's page together out of the sources in this folder: `make page`.

The same way as the person's page, and with its colours and controls (`clients/browser`).
"""

from collections.abc import Mapping
from pathlib import Path

from clients.browser import assemble as browser

HERE = Path(__file__).parent
TARGET = browser.TARGET.with_name("staff.html")

SCRIPTS = (
    "wire.js",
    "chain.js",
    "parts.js",
    "plot.js",
    "log.js",
    "review.js",
    "lists.js",
    "page.js",
)

POLICY = (
    "default-src 'none'; script-src {script}; style-src {style}; img-src data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)


def read_sources() -> dict[str, str]:
    """Read the sources: file name to text."""
    files = [*HERE.glob("*.html"), *HERE.glob("*.css"), *HERE.glob("*.js")]
    sources = {path.name: path.read_text("utf-8") for path in files}
    return sources | {"base.css": browser.read_sources()["base.css"]}


def assemble(sources: Mapping[str, str]) -> str:
    """Assemble the page: one file, whose policy names its one script and its one style."""
    script = browser.scripts(*(sources[name] for name in SCRIPTS))
    style = browser.stripped(sources["base.css"] + sources["style.css"])
    policy = POLICY.format(script=browser.digest(script), style=browser.digest(style))
    return browser.filled(sources["index.html"], policy=policy, style=style, script=script)


if __name__ == "__main__":
    TARGET.write_text(assemble(read_sources()), "utf-8")
