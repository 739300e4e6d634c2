"""The entry point of uvicorn's workers: first of all, it makes a worker die with its parent.

The imports of a worker take seconds on a busy machine. If the supervisor were killed meanwhile, a
worker would keep the port for that long, and the next supervisor could not listen on it.
"""

import logging
import os
from typing import TYPE_CHECKING

from .runtime.isolation import forbid_tracing, isolate_process
from .runtime.supervisor import REPLACED_FOR_VARIABLE, die_with_parent

if TYPE_CHECKING:
    from fastapi import FastAPI


def from_environment() -> "FastAPI":
    """Build a worker's application from the environment. Raises SettingInvalid."""
    die_with_parent()
    isolate_process()  # the supervisor may be an older version's
    forbid_tracing()
    logging.captureWarnings(capture=True)  # a missing GPU, for example: log it like anything else
    from .app import create_app  # noqa: PLC0415 - see above
    from .metrics import WORKERS_REPLACED  # noqa: PLC0415
    from .runtime.accept_gate import AcceptGate  # noqa: PLC0415
    from .runtime.shared_memory import SharedCounts  # noqa: PLC0415
    from .settings import Settings  # noqa: PLC0415

    settings = Settings.from_environment(os.environ)
    if reason := os.environ.get(REPLACED_FOR_VARIABLE):
        WORKERS_REPLACED.labels(reason).inc()
    shared = SharedCounts.from_environment(os.environ)
    gate = AcceptGate.from_environment(os.environ)
    return create_app(settings, shared, gate, owns_process=True)
