"""The HTTP edge: parse, call one flow, answer. What may go wrong becomes problem+json here."""

from .edge import Edge
from .openapi import describe
from .problems import handlers
from .routes import router
from .services import Services

__all__ = ["Edge", "Services", "describe", "handlers", "router"]
