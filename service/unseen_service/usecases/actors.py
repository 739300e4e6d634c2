"""Who acts on the service, and what of their words may be recorded."""

import ipaddress
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from .. import credentials
from ..errors import InvalidRequest
from ..models.audit import AuditEvent, Staff
from ..models.keys import Key

OPERATOR = Staff("operator", "operator")
"""Who has the service's own command line, when they did not say who they are."""

_LONGEST = 200
_HASH = re.compile(r"(?<![0-9a-fA-F])[0-9a-fA-F]{64}(?![0-9a-fA-F])")
_CODE = re.compile(
    r"(?<![0-9A-Z])(?:UN[- ]?)?[0-9A-Z]{4}(?:[- ]?[0-9A-Z]{4}){1,2}(?![0-9A-Z])", re.IGNORECASE
)
_ALIKE = {"LATIN", "GREEK", "CYRILLIC", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU"}
"""Scripts with letters that look like one another's, as Unicode's names of letters begin."""
_UNSEEN = ("FILLER", "BRAILLE PATTERN BLANK")
_ADDRESS = re.compile(r"(?<![0-9A-Za-z])[0-9a-fA-F:.]+(?![0-9A-Za-z])")


def operator(name: str, account: str | None = None) -> Staff:
    """Name who uses the command line; their word is taken for it, and their account recorded."""
    name = checked_text(name, "--by", "A name")
    return Staff(f"operator:{name}", f"operator:{name}", account=account)


def staff(key: Key) -> Staff:
    """Name who came with a key: all keys of one line are one person's."""
    return Staff(f"staff:{key.platform}", f"key:{key.line}", key.id)


def event(
    by: Staff, kind: str, details: Mapping[str, Any], subject: str | None = None
) -> AuditEvent:
    """Make the entry of what staff did."""
    came_with = {"by_key": by.key, "by_account": by.account}
    known = {name: value for name, value in came_with.items() if value is not None}
    return AuditEvent(kind, by.actor, subject, {**details, **known})


def checked_text(text: str, at: str, what: str) -> str:
    """Answer words that may be recorded for good: a line, with nothing in it that tells a case.

    Raises InvalidRequest, which does not repeat them.
    """
    text = text.strip()
    if not text or len(text) > _LONGEST or not text.isprintable():
        raise InvalidRequest(f"{what} is a line of 1 to {_LONGEST} characters.", at)
    if contains_identifier(text):
        raise InvalidRequest(
            f"{what} is kept in the audit log, where no case number, PIN, hash or IP address "
            "may stand. Say it without; a case's reference may be named.",
            at,
        )
    return text


def platform_name(text: str) -> str:
    """Answer a platform's name as it is kept: two that look the same are the same, or refused.

    Two platforms' word puts a hash out of reach, so one must not pass for two, nor for another.
    Raises InvalidRequest.
    """
    spelled = re.sub(" +", " ", unicodedata.normalize("NFKC", text))
    name = checked_text(spelled, "platform", "A platform's name")
    named = [unicodedata.name(each, "") for each in name]
    scripts = {word for each in named if (word := each.partition(" ")[0]) in _ALIKE}
    if len(scripts) > 1 or any(each.endswith(_UNSEEN) for each in named):
        raise InvalidRequest(
            "A platform's name has no invisible letters, and none of several scripts that look "
            "alike.",
            "platform",
        )
    return name


def contains_identifier(text: str) -> bool:
    """Return whether a text contains a hash, a case number, a PIN or an IP address."""
    if _HASH.search(text):
        return True
    codes_in_it = (found[0] for found in _CODE.finditer(text))
    return any(map(_is_code, codes_in_it)) or any(map(_is_address, _ADDRESS.findall(text)))


def _is_code(text: str) -> bool:
    """Whether it is a case number or a PIN, and no words that could be read as one."""
    if credentials.read_case_number(text):
        return "-" in text or any(each.isdigit() for each in text)
    return credentials.read_pin(text) is not None and any(each.isdigit() for each in text)


def _is_address(text: str) -> bool:
    # A port may follow an IPv4 address, a colon or a full stop either.
    parts = [text.rstrip("."), text.rstrip(".:")] if text.count(":") > 1 else text.split(":")
    return any(map(_is_one_address, parts))


def _is_one_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.strip("."))
    except ValueError:
        return False
    return True
