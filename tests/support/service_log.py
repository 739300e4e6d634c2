"""The messages that a service in this process logs."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from unseen_service.runtime.json_logs import JsonFormatter


@contextmanager
def collecting_messages() -> Iterator[list[str]]:
    """Yield a list to which every message logged in the block is added, in order."""
    messages: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            messages.append(str(json.loads(JsonFormatter().format(record))["message"]))

    collector = Collector()
    logger = logging.getLogger("unseen_service")
    logger.addHandler(collector)
    try:
        yield messages
    finally:
        logger.removeHandler(collector)
