"""Audit kinds: what is generated from the enum is current, and every entry obeys it."""

import pytest
from unseen_service.models.audit import AuditEvent, AuditKind

from tools import audit_kinds

STALE = "run `make audit-kinds`, then `make page`"


def test_the_documentation_lists_every_kind() -> None:
    text = audit_kinds.DOCS.read_text(encoding="utf-8")
    assert audit_kinds.documented(text) == text, STALE
    assert all(f"| `{kind}` | {kind.when} |" in text for kind in AuditKind)


def test_the_staff_page_lists_every_kind() -> None:
    assert audit_kinds.STAFF.read_text(encoding="utf-8") == audit_kinds.script(), STALE


def test_an_entry_has_no_detail_that_its_kind_does_not_name() -> None:
    AuditEvent(AuditKind.KEY_REVOKED, "operator", None, {"key": 1, "by_account": "root (0)"})
    with pytest.raises(ValueError, match="'pdq'"):
        AuditEvent(AuditKind.KEY_REVOKED, "operator", None, {"key": 1, "pdq": "5a"})
