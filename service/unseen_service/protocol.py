"""The HTTP protocol by its name in 0.1.0, for supervisors of that release; remove it in 0.3.0.

When one replaces its workers after an upgrade, it tells them the classes by these names.
"""

from .runtime.http_protocol import HttpProtocol as Protocol

__all__ = ["Protocol"]
