"""Who acts on the service, and what of their words may be recorded."""

import ipaddress
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .. import credentials
from ..errors import InvalidRequest
from ..models.audit import AuditEvent, AuditKind, Staff
from ..models.keys import Key, Scope
from ..models.plain_text import is_plain_line

OPERATOR = Staff("operator", "operator")
"""Anyone who uses the service's own command line and did not give a name."""

_KEY_PERSON = "key:"
_MAX_LENGTH = 200
_HASH = re.compile(r"(?<![0-9a-fA-F])[0-9a-fA-F]{64}(?![0-9a-fA-F])")
_CODE = re.compile(
    r"(?<![0-9A-Z])(?:UN[- ]?)?[0-9A-Z]{4}(?:[- ]?[0-9A-Z]{4}){1,2}(?![0-9A-Z])", re.IGNORECASE
)
_CONFUSABLE_SCRIPTS = {"LATIN", "GREEK", "CYRILLIC", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU"}
"""Scripts with letters that look like each other's, as Unicode's names of letters begin."""
_INVISIBLE = ("FILLER", "BRAILLE PATTERN BLANK")
_ADDRESS = re.compile(r"(?<![0-9A-Za-z])[0-9a-fA-F:.]+(?![0-9A-Za-z])")


def staff(key: Key) -> Staff:
    """Return who acts with a staff key: all keys of one family are one person's."""
    return Staff(f"staff:{key.platform}", key_person(key), key.id)


def key_person(key: Key) -> str:
    """Return the person who holds the keys of a family."""
    return f"{_KEY_PERSON}{key.family_id}"


def is_key_person(person: str) -> bool:
    """Return whether a person is known by a key, not only by a name on the command line."""
    return person.startswith(_KEY_PERSON)


def holder(key: Key) -> Staff:
    """Return who acts on a key of their own: staff, or a platform."""
    by = staff(key)
    is_staff = not {Scope.AUDIT, Scope.ADMIN}.isdisjoint(key.scopes)
    return by if is_staff else replace(by, actor=f"platform:{key.platform}")


def key_itself(key: Key) -> Staff:
    """Return whoever has a key that nobody has approved: they may not be whom it was issued for."""
    return Staff(f"key:{key.id}", key_person(key))


def operator(name: str, account: str | None = None) -> Staff:
    """Return who acts on the command line: the name is taken on trust, the account recorded."""
    name = checked_text(name, "--by", "A name")
    return Staff(f"operator:{name}", f"operator:{name}", account=account)


def staff_event(
    by: Staff, kind: AuditKind, details: Mapping[str, Any], subject: str | None = None
) -> AuditEvent:
    """Return the audit event of what staff did."""
    means = {"by_key": by.key, "by_account": by.account}
    known = {name: value for name, value in means.items() if value is not None}
    return AuditEvent(kind, by.actor, subject, {**details, **known})


def platform_event(key: Key, kind: AuditKind, details: Mapping[str, Any]) -> AuditEvent:
    """Return the audit event of what a platform did with a key, whose number is a detail."""
    return AuditEvent(kind, f"platform:{key.platform}", None, {"key": key.id, **details})


def checked_text(text: str, at: str, what: str) -> str:
    """Return text that may be recorded for good: one line that identifies no case.

    `at` is where it was given, and `what` it is. Raises InvalidRequest, which does not repeat it.
    """
    text = text.strip()
    if not text or len(text) > _MAX_LENGTH or not is_plain_line(text):
        raise InvalidRequest(f"{what} is one line of 1 to {_MAX_LENGTH} characters.", at)
    if contains_identifier(text):
        raise InvalidRequest(
            f"{what} is kept in the audit log, which must not contain a case number, PIN, hash or "
            "IP address. Leave it out; you may name a case's reference.",
            at,
        )
    return text


def platform_name(text: str) -> str:
    """Return a platform's name as it is stored: names that look the same are the same, or refused.

    Two platforms together can make a hash suspect, so one must not pass for two, nor for another.
    Raises InvalidRequest.
    """
    spelled = re.sub(" +", " ", unicodedata.normalize("NFKC", text))
    name = checked_text(spelled, "platform", "A platform's name")
    letters = [unicodedata.name(each, "") for each in name]
    scripts = {word for each in letters if (word := each.partition(" ")[0]) in _CONFUSABLE_SCRIPTS}
    if len(scripts) > 1 or any(each.endswith(_INVISIBLE) for each in letters):
        raise InvalidRequest(
            "A platform's name must not contain invisible letters, or letters of several scripts "
            "that look alike.",
            "platform",
        )
    return name


def contains_identifier(text: str) -> bool:
    """Return whether a text contains a hash, a case number, a PIN or an IP address."""
    if _HASH.search(text):
        return True
    codes = (found[0] for found in _CODE.finditer(text))
    return any(map(_is_code, codes)) or any(map(_is_address, _ADDRESS.findall(text)))


def _is_code(text: str) -> bool:
    """Return whether it is a case number or a PIN, and not words that could be read as one."""
    if credentials.read_case_number(text):
        return "-" in text or any(each.isdigit() for each in text)
    return credentials.read_pin(text) is not None and any(each.isdigit() for each in text)


def _is_address(text: str) -> bool:
    # A port may follow an IPv4 address; a colon or a full stop may follow either.
    parts = [text.rstrip("."), text.rstrip(".:")] if text.count(":") > 1 else text.split(":")
    return any(map(_is_one_address, parts))


def _is_one_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.strip("."))
    except ValueError:
        return False
    return True
