"""Logs as JSON lines on standard error, with nothing sensitive in them.

An exception is logged by its type and where it came from, never by its text: a driver's can
quote the row that it refused.
"""

import json
import logging
import traceback
from datetime import UTC, datetime
from typing import Any


class JsonFormatter(logging.Formatter):
    """One JSON object a line: at, level, logger, message; of an exception its type and way."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info and record.exc_info[0]:
            line["exception"] = record.exc_info[0].__qualname__
            line["frames"] = [
                f"{frame.filename}:{frame.lineno} {frame.name}"
                for frame in traceback.extract_tb(record.exc_info[2])
            ]
        return json.dumps(line, ensure_ascii=False)


CONFIG: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"lines": {"()": JsonFormatter}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "unseen_service": {"level": "INFO"},
        "uvicorn": {"level": "WARNING"},
        # A line for every attempt while PostgreSQL is away, with its address; we say it ourselves.
        "psycopg.pool": {"level": "CRITICAL"},
    },
}
"""For logging.config.dictConfig; uvicorn hands it on to every worker."""
