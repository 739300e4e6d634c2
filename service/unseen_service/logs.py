"""The log formatter by its name in 0.1.0, for supervisors of that release (see protocol.py)."""

from .runtime.json_logs import JsonFormatter as Lines

__all__ = ["Lines"]
