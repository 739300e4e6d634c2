"""Puts the page together: one HTML file out of the sources in this folder, nothing translated.

Run as `python -m clients.browser.assemble` (`make page`), it writes the file that the service
serves. Comments and indentation are left out of it; that is all that is done to the sources.
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).parent
TARGET = HERE.parents[1] / "service" / "unseen_service" / "pages" / "person.html"

FRAME_POLICY = (
    "default-src 'none'; script-src {script}; style-src {style}; worker-src blob:; "
    "base-uri 'none'; form-action 'none'; "
    "require-trusted-types-for 'script'; trusted-types unseen"
)
# A srcdoc frame also obeys the page's policy, so that one has to name the frame's hashes too.
PAGE_POLICY = (
    "default-src 'none'; script-src {script}; style-src {style}; worker-src blob:; "
    "img-src data:; connect-src 'self'; frame-src 'none'; base-uri 'none'; form-action 'none'; "
    "require-trusted-types-for 'script'; trusted-types unseen"
)
PAGE_SCRIPTS = ("words.js", "spawn.js", "work.js", "wire.js", "case.js", "page.js")


def read_sources() -> dict[str, str]:
    """Read the sources: file name to text; the texts' names start with `texts/`."""
    files = [*HERE.glob("*.html"), *HERE.glob("*.css"), *HERE.glob("*.js"), *HERE.glob("texts/*")]
    return {path.relative_to(HERE).as_posix(): path.read_text("utf-8") for path in files}


def assemble(
    sources: Mapping[str, str],
    *,
    page_policy: str = PAGE_POLICY,
    frame_policy: str = FRAME_POLICY,
) -> str:
    """Assemble the page. The policies can be replaced, for tests that show what they stop."""
    frame_script = scripts(
        _worker(sources, "hashingWorker", "formats.js", "pdq.js", "worker.js"),
        *(sources[name] for name in ("spawn.js", "frame.js")),
    )
    frame_style = stripped(sources["base.css"] + sources["frame.css"])
    frame = filled(
        sources["frame.html"],
        policy=frame_policy.format(script=digest(frame_script), style=digest(frame_style)),
        style=frame_style,
        script=frame_script,
    )
    script = scripts(
        f"const TEXTS = {_texts(sources)};",
        _worker(sources, "puzzleWorker", "puzzle.js"),
        *(sources[name] for name in PAGE_SCRIPTS),
    )
    style = stripped(sources["base.css"] + sources["style.css"])
    policy = page_policy.format(
        script=f"{digest(script)} {digest(frame_script)}",
        style=f"{digest(style)} {digest(frame_style)}",
    )
    return filled(
        sources["index.html"],
        policy=policy,
        style=style,
        frame=frame.replace("&", "&amp;").replace("'", "&#39;"),
        script=script,
    )


def _worker(sources: Mapping[str, str], name: str, *files: str) -> str:
    """Wrap scripts into a function, whose text a Worker is started with."""
    return "\n".join([f"function {name}() {{", '"use strict";', *(sources[f] for f in files), "}"])


def _texts(sources: Mapping[str, str]) -> str:
    """Pack the languages: the keys once, then each language's texts in the order of the keys."""
    languages = {
        Path(name).stem: _flat(json.loads(text))
        for name, text in sorted(sources.items())
        if name.startswith("texts/")
    }
    keys = list(languages["en"])
    for name, texts in languages.items():
        if list(texts) != keys:
            odd = sorted(set(keys) ^ set(texts)) or "their order"
            raise SystemExit(f"texts/{name}.json differs from texts/en.json in {odd}.")
    packed = {"keys": keys, "languages": {n: list(t.values()) for n, t in languages.items()}}
    return json.dumps(packed, ensure_ascii=False, separators=(",", ":"))


def _flat(texts: Mapping[str, object]) -> dict[str, object]:
    """Flatten the sections: `{"case": {"pin": ...}}` to `{"case.pin": ...}`."""
    flat: dict[str, object] = {}
    for key, value in texts.items():
        if isinstance(value, dict):
            flat |= {f"{key}.{inner}": text for inner, text in value.items()}
        else:
            flat[key] = value
    return flat


def scripts(*texts: str) -> str:
    """Join scripts; what would end the element must not stand in them."""
    script = stripped("\n".join(texts))
    if re.search(r"</script|<!--", script, re.IGNORECASE):
        raise SystemExit("A script may not contain '</script' or '<!--'.")
    return script


def stripped(text: str) -> str:
    """Leave out comments on lines of their own, indentation and empty lines."""
    text = re.sub(r"^[ \t]*/\*.*?\*/[ \t]*$", "", text, flags=re.DOTALL | re.MULTILINE)
    lines = (line.strip() for line in text.splitlines())
    return "\n" + "\n".join(line for line in lines if line and not line.startswith("//")) + "\n"


def digest(text: str) -> str:
    """Give the source expression of a policy that allows exactly this text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def filled(template: str, **parts: str) -> str:
    """Put the parts in place of their {{names}}."""
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], template)


if __name__ == "__main__":
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(assemble(read_sources()), "utf-8")
