"""Where each uvicorn worker begins: it binds its life to its parent's before it does anything else.

Most of what a worker needs takes seconds to import on a busy machine. Who kept the port for so
long after the supervisor was killed would be in its successor's way.
"""

import logging
import os
from typing import TYPE_CHECKING

from .runtime.supervisor import die_with_parent

if TYPE_CHECKING:
    from fastapi import FastAPI


def from_environment() -> "FastAPI":
    """Put a worker together from the environment."""
    die_with_parent()
    logging.captureWarnings(capture=True)  # that there is no GPU, say: a log line as any other
    from .app import create_app  # noqa: PLC0415 - only now
    from .runtime.accept_gate import AcceptGate  # noqa: PLC0415
    from .runtime.shared_memory import SharedCounts  # noqa: PLC0415
    from .settings import Settings  # noqa: PLC0415

    settings = Settings.from_environment(os.environ)
    return create_app(settings, SharedCounts.of(os.environ), AcceptGate.of(os.environ))
