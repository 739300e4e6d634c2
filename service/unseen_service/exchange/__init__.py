"""The platforms' flows: the feed, feedback and withdrawals, the StopNCII exchange protocol."""

from .bank import give as give_feedback_by_hash
from .bank import submit as submit_hashes
from .feed import Feed, cursor_after
from .feedback import confirm_withdrawals, list_overdue
from .feedback import give as give_feedback

__all__ = [
    "Feed",
    "confirm_withdrawals",
    "cursor_after",
    "give_feedback",
    "give_feedback_by_hash",
    "list_overdue",
    "submit_hashes",
]
