"""Errors of the embedded PostgreSQL, reported to the operator."""


class EmbeddedPostgresError(RuntimeError):
    """The embedded PostgreSQL cannot be used; `hint` tells the operator what to do."""

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(f"{message} {hint}")
        self.hint = hint


class AddressMoved(EmbeddedPostgresError):
    """The server was another process's, at an address that ended with it."""
