"""The staff's and the operator's flows: keys, the audit log, harmless pictures, reviews."""

from .benign import add_benign, list_benign, remove_benign
from .checkpoints import Checkpoints, kept_checkpoints, past_keys
from .keys import approve_key, issue_key, list_keys, now, read_keys, revoke_key, rotate_key
from .limits import limit_key, pause_key, read_alerts, resume_key
from .log import (
    AuditPage,
    export_audit,
    export_lines,
    last_line,
    link_case,
    prove_consistency,
    prove_inclusion,
    read_audit,
    read_audit_back,
    tell_verified,
    verify_audit,
)
from .overdue import read_overdue
from .people import OPERATOR, operator, plain, staff
from .restore import rename_log
from .review import decide, read_reviews, read_statistics

__all__ = [
    "OPERATOR",
    "AuditPage",
    "Checkpoints",
    "add_benign",
    "approve_key",
    "decide",
    "export_audit",
    "export_lines",
    "issue_key",
    "kept_checkpoints",
    "last_line",
    "limit_key",
    "link_case",
    "list_benign",
    "list_keys",
    "now",
    "operator",
    "past_keys",
    "pause_key",
    "plain",
    "prove_consistency",
    "prove_inclusion",
    "read_alerts",
    "read_audit",
    "read_audit_back",
    "read_keys",
    "read_overdue",
    "read_reviews",
    "read_statistics",
    "remove_benign",
    "rename_log",
    "resume_key",
    "revoke_key",
    "rotate_key",
    "staff",
    "tell_verified",
    "verify_audit",
]
