"""The API reference as a page of its own: openapi.yaml as HTML, nothing loaded from elsewhere."""

import base64
import hashlib
import re
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
"""The page's Content-Security-Policy: allows its own style and nothing else."""

_CODE = re.compile(r"`([^`]+)`")


def reference(schema: dict[str, Any]) -> str:
    """Return the page, as HTML."""
    operations = [
        _operation(method.upper(), path, operation)
        for path, item in schema["paths"].items()
        for method, operation in item.items()
    ]
    schemas = [_schema(name, each) for name, each in schema["components"]["schemas"].items()]
    title = escape(f"{schema['info']['title']} API {schema['info']['version']}")
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{title}</title>'
        f"<style>{_STYLE}</style><h1>{title}</h1>{_paragraphs(schema['info']['description'])}"
        f'<p>As OpenAPI: <a href="/openapi.json">openapi.json</a>.</p>'
        f"<h2>Operations</h2>{''.join(operations)}<h2>Schemas</h2>{''.join(schemas)}</html>"
    )


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    rows = [
        (f"{each['in']} <code>{escape(each['name'])}</code>", each.get("description", ""))
        for each in operation.get("parameters", [])
    ]
    body = operation.get("requestBody", {}).get("content", {})
    rows += [
        (f"body <code>{media}</code>", _described_type(each["schema"]))
        for media, each in body.items()
    ]
    rows += [
        (f"response <code>{status}</code>", each["description"])
        for status, each in operation["responses"].items()
    ]
    return (
        f"<h3>{method} {escape(path)}</h3><p><strong>{escape(operation['summary'])}.</strong></p>"
        f"{_paragraphs(operation['description'])}{_table(rows)}"
    )


def _schema(name: str, schema: dict[str, Any]) -> str:
    rows = [
        (f"<code>{escape(field)}</code>", _described_type(each))
        for field, each in schema.get("properties", {}).items()
    ]
    if "enum" in schema:
        rows.append(("one of", ", ".join(f"`{value}`" for value in schema["enum"])))
    return f'<h3 id="{name}">{name}</h3>{_paragraphs(schema.get("description", ""))}{_table(rows)}'


def _described_type(schema: dict[str, Any]) -> str:
    parts = (_type(schema), schema.get("description", ""))
    return ". ".join(part for part in parts if part)


def _type(schema: dict[str, Any]) -> str:
    """Return the type of a schema, in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(_type(each) for each in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    values = schema.get("enum") or ([schema["const"]] if "const" in schema else [])
    return ", ".join(map(str, values)) or str(schema.get("type", "anything"))


def _table(rows: list[tuple[str, str]]) -> str:
    cells = "".join(f"<tr><td>{name}<td>{_formatted(text)}" for name, text in rows)
    return f"<table>{cells}</table>" if rows else ""


def _paragraphs(text: str) -> str:
    return "".join(f"<p>{_formatted(each)}</p>" for each in text.split("\n\n") if each)


def _formatted(text: str) -> str:
    """Return text as HTML; of Markdown, only `code` is used."""
    return _CODE.sub(r"<code>\1</code>", escape(text))
