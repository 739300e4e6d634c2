"""Logs as JSON lines on standard error, without sensitive data.

An exception is logged by its type and its stack frames, never by its text: a database driver's
message can quote the row that was rejected.
"""

import json
import logging
import traceback
from datetime import UTC, datetime
from typing import Any


class JsonFormatter(logging.Formatter):
    """Formats one JSON object per line: at, level, logger, message; exception, frames."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as one line of JSON."""
        fields: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info and record.exc_info[0]:
            fields["exception"] = record.exc_info[0].__qualname__
            fields["frames"] = [
                f"{frame.filename}:{frame.lineno} {frame.name}"
                for frame in traceback.extract_tb(record.exc_info[2])
            ]
        return json.dumps(fields, ensure_ascii=False)


CONFIG: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": JsonFormatter}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "unseen_service": {"level": "INFO"},
        "uvicorn": {"level": "WARNING"},
        # While PostgreSQL is unavailable, the pool logs every attempt, with the server's address.
        # We log the outage ourselves, once.
        "psycopg.pool": {"level": "CRITICAL"},
    },
}
"""For logging.config.dictConfig; uvicorn passes it on to every worker."""
