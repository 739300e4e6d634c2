"""Reads JavaScript: what syntax, and which names of the browser, a script uses."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*|/\*.*?\*/)
    |(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    |(?P<number>\d[\w.]*)
    |(?P<word>[A-Za-z_$][\w$]*)
    |(?P<mark>=>|\.\.\.|\?\.(?!\d)|\?\?=|\|\|=|&&=|\?\?|\*\*|[^\w\s])""",
    re.VERBOSE | re.DOTALL,
)
_REGEX = re.compile(r"/(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/([a-z]*)")
_OPERAND_ENDS = {")", "]", "}"}
_WORDS = """
arguments async await break case catch class const constructor continue default delete do else
extends false finally for function get if in instanceof let new null of return self set static
super switch this throw true try typeof undefined var void while yield
"""
_KEYWORDS = set(_WORDS.split())


class Token(NamedTuple):
    """A word, mark, number, text or regular expression (`regex`), without comments."""

    kind: str
    text: str


def tokens(script: str) -> list[Token]:
    """Return the tokens of a script; of a template, those of the expressions in it."""
    found: list[Token] = []
    place = 0
    while place < len(script):
        if script[place] == "`":
            place = _read_template(script, place + 1, found)
            continue
        if script[place] == "/" and not _follows_operand(found):
            regex = _REGEX.match(script, place)
            if regex:
                found.append(Token("regex", regex[0]))
                place = regex.end()
                continue
        match = _TOKEN.match(script, place)
        assert match, script[place : place + 20]
        if match.lastgroup != "space":
            found.append(Token(match.lastgroup or "", match[0]))
        place = match.end()
    return found


def _follows_operand(found: list[Token]) -> bool:
    """Return whether a slash divides here, and does not begin a regular expression."""
    if not found:
        return False
    kind, text = found[-1]
    return kind in {"number", "text"} or text in _OPERAND_ENDS or (
        kind == "word" and text not in _KEYWORDS - {"this", "self"}
    )  # fmt: skip


def _read_template(script: str, place: int, found: list[Token]) -> int:
    """Add the tokens of the expressions in a template; return where it ends."""
    found.append(Token("text", "`"))
    while script[place] != "`":
        if script[place] == "\\":
            place += 2
        elif script.startswith("${", place):
            end = _end_of_braces(script, place + 2)
            found += [Token("mark", "("), *tokens(script[place + 2 : end]), Token("mark", ")")]
            place = end + 1
        else:
            place += 1
    return place + 1


def _end_of_braces(script: str, place: int) -> int:
    depth = 1
    while True:
        if script[place] == "`":
            place = _read_template(script, place + 1, []) - 1
        depth += {"{": 1, "}": -1}.get(script[place], 0)
        if depth == 0:
            return place
        place += 1


def syntax_of(found: list[Token]) -> set[str]:
    """Return the names (keys of oldest_browsers.SYNTAX) of the newer syntax in a script."""
    used = {text for kind, text in found if kind == "mark" and len(text) > 1} - {"=>"}
    following = [*found[1:], Token("", "")]
    for (kind, text), (_, after) in zip(found, following, strict=True):
        pair = f"{text} {after}"
        used |= {
            name
            for name, is_used in {
                "catch {": pair == "catch {",
                "function*": pair == "function *",
                "for await": pair == "for await",
                "a static block": pair == "static {",
                "a private name": text == "#",
                "a BigInt": kind == "number" and text.endswith("n"),
                "a digit separator": kind == "number" and "_" in text,
                "a lookbehind": kind == "regex" and re.search(r"\(\?<[=!]", text) is not None,
                "a named group": kind == "regex" and re.search(r"\(\?<\w", text) is not None,
                "import": text == "import",
            }.items()
            if is_used
        }
        if kind == "regex":
            used |= {f"the flag {flag}" for flag in text.rpartition("/")[2] if flag not in "gimuy"}
    return used


def names_of(found: list[Token]) -> tuple[set[str], set[str], set[str]]:
    """Return the names that a script calls as methods, reads as members, and uses on their own.

    Names that the script itself declares, or gives to members of its objects, are left out of the
    last two. A method's name never is: `at` may be a variable, and `list.at(-1)` is not.
    """
    own = set(_declared(found))
    methods, members, free = set(), set(), set()
    before = ["", *(text for _, text in found)]
    after = [*(text for _, text in found[1:]), ""]
    for (kind, name), previous, following in zip(found, before, after, strict=False):
        if kind == "word" and previous in {".", "?."}:
            (methods if following == "(" else members).add(name)
        elif kind == "word" and name not in _KEYWORDS:
            free.add(name)
    return methods, members - own, free - own


def _declared(found: list[Token]) -> Iterator[str]:
    """Yield the names of variables, parameters, functions and members that a script declares."""
    for i, (kind, name) in enumerate(found):
        previous = found[i - 1].text if i else ""
        following = found[i + 1].text if i + 1 < len(found) else ""
        is_declared = (
            previous in {"const", "let", "function", "class"}
            or following in {":", "=>"}
            or (previous == "." and following == "=" and found[i - 2].text == "this")
            or (previous == "*" and found[i - 2].text == "function")
        )
        if kind == "word" and name not in _KEYWORDS and is_declared:
            yield name
        is_parameters = name in {"=>", "{"} and previous == ")"
        is_pattern = name in {"=", "of"} and previous in {"]", "}"}
        if is_parameters or is_pattern:
            yield from _words(_group_before(found, i - 1))


def _group_before(found: list[Token], end: int) -> list[Token]:
    """Return the tokens of the brackets that close at a place; none if they are a condition."""
    depth, i = 0, end
    while True:
        depth += {")": 1, "]": 1, "}": 1, "(": -1, "[": -1, "{": -1}.get(found[i].text, 0)
        if depth == 0:
            break
        i -= 1
    opens = found[i - 1].text if i else ""
    return [] if opens in {"if", "for", "while", "switch"} else found[i + 1 : end]


def _words(group: Iterable[Token]) -> Iterator[str]:
    previous = ""
    for kind, text in group:
        if kind == "word" and previous not in {".", "?."} and text not in _KEYWORDS:
            yield text
        previous = text
