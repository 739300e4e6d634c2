"""The platforms' flows: the feed, feedback and withdrawals, the StopNCII exchange protocol."""

from . import webhooks
from .bank import give as give_feedback_by_hash
from .bank import submit as submit_hashes
from .delivery import Delivery
from .feed import Feed, cursor_after
from .feedback import confirm_withdrawals
from .feedback import give as give_feedback

__all__ = [
    "Delivery",
    "Feed",
    "confirm_withdrawals",
    "cursor_after",
    "give_feedback",
    "give_feedback_by_hash",
    "submit_hashes",
    "webhooks",
]
