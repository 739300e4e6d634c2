"""The API's reference as a page of our own: openapi.yaml in words, nothing from elsewhere."""

import base64
import hashlib
from html import escape
from typing import Any

_STYLE = """
:root { color-scheme: light dark; }
body { font: 1rem/1.6 system-ui, sans-serif; margin: 3rem auto; max-width: 46rem; padding: 0 1rem; }
h1 { font-weight: 600; } h2 { margin-top: 3rem; } h3 { margin: 2rem 0 0.25rem; }
code, h3 { font-family: ui-monospace, monospace; font-size: 0.95em; }
table { border-collapse: collapse; width: 100%; }
td { border-top: 1px solid color-mix(in srgb, currentColor 20%, transparent);
     padding: 0.35rem 1rem 0.35rem 0; vertical-align: top; }
td:first-child { white-space: nowrap; }
"""

_STYLE_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src 'sha256-{_STYLE_DIGEST}'; frame-ancestors 'none'"
"""The page's Content-Security-Policy: its own style and nothing else."""


def reference(schema: dict[str, Any]) -> str:
    """Write the page."""
    calls = [
        _call(method.upper(), path, operation)
        for path, operations in schema["paths"].items()
        for method, operation in operations.items()
    ]
    shapes = [_shape(name, each) for name, each in schema["components"]["schemas"].items()]
    title = escape(f"{schema['info']['title']} API {schema['info']['version']}")
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{title}</title>'
        f"<style>{_STYLE}</style><h1>{title}</h1><p>{escape(schema['info']['description'])}</p>"
        f'<p>For programs: <a href="/openapi.json">openapi.json</a>.</p>'
        f"<h2>Calls</h2>{''.join(calls)}<h2>Shapes</h2>{''.join(shapes)}</html>"
    )


def _call(method: str, path: str, operation: dict[str, Any]) -> str:
    rows = [
        (f"{each['in']} <code>{escape(each['name'])}</code>", each.get("description", ""))
        for each in operation.get("parameters", [])
    ]
    body = operation.get("requestBody", {}).get("content", {})
    rows += [(f"body <code>{media}</code>", _named(each["schema"])) for media, each in body.items()]
    rows += [
        (f"answers <code>{status}</code>", each["description"])
        for status, each in operation["responses"].items()
    ]
    return (
        f"<h3>{method} {escape(path)}</h3><p>{escape(operation.get('description', ''))}</p>"
        f"{_table(rows)}"
    )


def _shape(name: str, schema: dict[str, Any]) -> str:
    rows = [
        (f"<code>{escape(field)}</code>", f"{_named(each)} {each.get('description', '')}".strip())
        for field, each in schema.get("properties", {}).items()
    ]
    said = escape(schema.get("description", ""))
    return f'<h3 id="{name}">{name}</h3><p>{said}</p>{_table(rows)}'


def _named(schema: dict[str, Any]) -> str:
    """Say in a word what a schema is."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(_named(each) for each in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_named(schema['items'])}"
    values = schema.get("enum") or ([schema["const"]] if "const" in schema else [])
    return ", ".join(map(str, values)) or str(schema.get("type", "anything"))


def _table(rows: list[tuple[str, str]]) -> str:
    cells = "".join(f"<tr><td>{name}<td>{escape(text)}" for name, text in rows)
    return f"<table>{cells}</table>" if rows else ""
