"""Assembles the person's page: one HTML file from the sources in this folder.

`python -m clients.browser.assemble` (part of `make page`) writes the file that the service serves.
Comments, indentation and empty lines are left out; otherwise the sources are not changed.
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).parent
TARGET = HERE.parents[1] / "service" / "unseen_service" / "pages" / "person.html"

PICKER_POLICY = (
    "default-src 'none'; script-src {script}; style-src {style}; worker-src blob:; "
    "base-uri 'none'; form-action 'none'; "
    "require-trusted-types-for 'script'; trusted-types unseen"
)
# A srcdoc frame also inherits the page's policy, so that one has to allow the picker's digests too.
PAGE_POLICY = (
    "default-src 'none'; script-src {script}; style-src {style}; worker-src blob:; "
    "img-src data:; connect-src 'self'; frame-src 'none'; base-uri 'none'; form-action 'none'; "
    "require-trusted-types-for 'script'; trusted-types unseen"
)
NOT_RUNNING = "not-running"
"""The key of the text that is shown where the script cannot run."""
HASHING_WORKER = (
    "convention.js",
    "hashing/file-formats.js",
    "hashing/prepare.js",
    "hashing/colour.js",
    "hashing/box-filter.js",
    "hashing/pdq.js",
    "hashing/worker.js",
)
PICKER_SCRIPTS = ("convention.js", "worker-factory.js", "picker/rows.js", "picker/picker.js")
PROOF_OF_WORK_WORKER = ("page/sha256.js", "page/proof-of-work-worker.js")
PAGE_SCRIPTS = (
    "convention.js",
    "worker-factory.js",
    "page/i18n.js",
    "page/codes.js",
    "page/proof-of-work.js",
    "page/api.js",
    "page/ui.js",
    "page/picker-messages.js",
    "page/labels.js",
    "page/submission.js",
    "page/case.js",
    "page/saved-files.js",
    "page/back.js",
    "page/screens.js",
    "page/main.js",
)


def read_sources() -> dict[str, str]:
    """Return the text of every source file by its path in this folder, such as `page/main.js`."""
    paths = [path for end in ("html", "css", "js", "json") for path in HERE.rglob(f"*.{end}")]
    return {path.relative_to(HERE).as_posix(): path.read_text("utf-8") for path in paths}


def assemble(
    sources: Mapping[str, str],
    *,
    page_policy: str = PAGE_POLICY,
    picker_policy: str = PICKER_POLICY,
) -> str:
    """Return the page. Tests pass weaker policies, to show what the real ones prevent.

    Raises SystemExit if the languages' keys differ, or if a script would end its own element.
    """
    picker_script = join_scripts(
        _worker_function("hashingWorker", sources, HASHING_WORKER),
        *(sources[name] for name in PICKER_SCRIPTS),
    )
    picker_style = minify(sources["base.css"] + sources["picker/picker.css"])
    picker = fill_template(
        sources["picker/picker.html"],
        policy=picker_policy.format(script=digest(picker_script), style=digest(picker_style)),
        style=picker_style,
        script=picker_script,
    )
    script = join_scripts(
        f"const TEXTS = {_pack_texts(sources)};",
        _worker_function("proofOfWorkWorker", sources, PROOF_OF_WORK_WORKER),
        *(sources[name] for name in PAGE_SCRIPTS),
    )
    style = minify(sources["base.css"] + sources["page/style.css"])
    policy = page_policy.format(
        script=f"{digest(script)} {digest(picker_script)}",
        style=f"{digest(style)} {digest(picker_style)}",
    )
    return fill_template(
        sources["page/index.html"],
        policy=policy,
        style=style,
        picker=picker.replace("&", "&amp;").replace("'", "&#39;"),
        script=script,
        not_running=_static_texts(sources),
    )


def _worker_function(name: str, sources: Mapping[str, str], files: tuple[str, ...]) -> str:
    """Wrap scripts in a function; a Worker is started from the function's source text."""
    body = (sources[file] for file in files)
    return "\n".join([f"function {name}() {{", '"use strict";', *body, "}"])


def _pack_texts(sources: Mapping[str, str]) -> str:
    """Return the translations as JSON: the keys once, and each language's texts in that order."""
    languages = {name: _flatten(texts) for name, texts in _languages(sources).items()}
    keys = list(languages["en"])
    for name, texts in languages.items():
        if list(texts) != keys:
            difference = sorted(set(keys) ^ set(texts)) or "the order of the keys"
            raise SystemExit(f"texts/{name}.json differs from texts/en.json in {difference}.")
    keys.remove(NOT_RUNNING)
    packed = {
        "keys": keys,
        "languages": {name: [texts[key] for key in keys] for name, texts in languages.items()},
    }
    return json.dumps(packed, ensure_ascii=False, separators=(",", ":"))


def _languages(sources: Mapping[str, str]) -> dict[str, dict[str, object]]:
    """Return each language's texts by its code."""
    names = sorted(name for name in sources if name.startswith("texts/"))
    return {Path(name).stem: json.loads(sources[name]) for name in names}


def _static_texts(sources: Mapping[str, str]) -> str:
    """Return what the page shows, in every language, until its script takes it away."""
    return "\n".join(
        f'<p lang="{code}" dir="{texts["direction"]}">{texts[NOT_RUNNING]}</p>'
        for code, texts in _languages(sources).items()
    )


def _flatten(texts: Mapping[str, object]) -> dict[str, object]:
    """Turn `{"case": {"pin": ...}}` into `{"case.pin": ...}`."""
    flat: dict[str, object] = {}
    for key, value in texts.items():
        if isinstance(value, dict):
            flat |= {f"{key}.{inner}": text for inner, text in value.items()}
        else:
            flat[key] = value
    return flat


def join_scripts(*scripts: str) -> str:
    """Join and minify scripts. Raises SystemExit if they contain what would end their element."""
    script = minify("\n".join(scripts))
    if re.search(r"</script|<!--", script, re.IGNORECASE):
        raise SystemExit("A script may not contain '</script' or '<!--'.")
    return script


def minify(text: str) -> str:
    """Remove indentation, empty lines, and comments that are on lines of their own."""
    text = re.sub(r"^[ \t]*/\*.*?\*/[ \t]*$", "", text, flags=re.DOTALL | re.MULTILINE)
    lines = (line.strip() for line in text.splitlines())
    return "\n" + "\n".join(line for line in lines if line and not line.startswith("//")) + "\n"


def digest(text: str) -> str:
    """Return the CSP source expression that allows an inline element with exactly this text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def fill_template(template: str, **parts: str) -> str:
    """Replace each {{name}} by the part of that name."""
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], template)


if __name__ == "__main__":
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(assemble(read_sources()), "utf-8")
