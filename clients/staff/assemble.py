"""Assembles the staff page: one HTML file from the sources in this folder.

`python -m clients.staff.assemble` (part of `make page`) writes the file that the service serves,
in the same way as the person's page, and with the same base style (`clients/browser`).
"""

from collections.abc import Mapping
from pathlib import Path

from clients.browser import assemble as browser

HERE = Path(__file__).parent
TARGET = browser.TARGET.with_name("staff.html")

SCRIPTS = (
    "api.js",
    "encoding.js",
    "checkpoint.js",
    "log-verifier.js",
    "ui.js",
    "key-maker.js",
    "bar-chart.js",
    "audit-kinds.js",
    "overview.js",
    "review.js",
    "disputes.js",
    "audit-log.js",
    "integrity.js",
    "overdue.js",
    "keys.js",
    "own-key.js",
    "main.js",
    "session.js",
)

POLICY = (
    "default-src 'none'; script-src {script}; style-src {style}; img-src data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)


def read_sources() -> dict[str, str]:
    """Return the text of every source file by its name."""
    files = [*HERE.glob("*.html"), *HERE.glob("*.css"), *HERE.glob("*.js")]
    sources = {path.name: path.read_text("utf-8") for path in files}
    return sources | {"base.css": browser.read_sources()["base.css"]}


def assemble(sources: Mapping[str, str]) -> str:
    """Return the page; its policy allows its one script and its one style by digest."""
    script = browser.join_scripts(*(sources[name] for name in SCRIPTS))
    style = browser.minify(sources["base.css"] + sources["style.css"])
    policy = POLICY.format(script=browser.digest(script), style=browser.digest(style))
    return browser.fill_template(sources["index.html"], policy=policy, style=style, script=script)


if __name__ == "__main__":
    TARGET.write_text(assemble(read_sources()), "utf-8")
