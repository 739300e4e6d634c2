"""The HTTP edge: parse, call one flow, answer. What may go wrong becomes problem+json here."""

from .edge import Edge
from .openapi import describe
from .problems import handlers
from .routes import match, routes
from .services import Services
from .shortcut import Shortcut

__all__ = ["Edge", "Services", "Shortcut", "describe", "handlers", "match", "routes"]
