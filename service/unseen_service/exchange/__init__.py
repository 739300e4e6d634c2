"""The platforms' flows: the feed, feedback and withdrawals, the StopNCII exchange protocol."""

from .feed import Feed, cursor_after
from .feedback import confirm_withdrawals, list_overdue
from .feedback import give as give_feedback

__all__ = ["Feed", "confirm_withdrawals", "cursor_after", "give_feedback", "list_overdue"]
