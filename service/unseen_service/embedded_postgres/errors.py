"""What can go wrong with the embedded PostgreSQL, said to the person who started it."""


class EmbeddedPostgresError(RuntimeError):
    """The embedded PostgreSQL cannot be used; `hint` says what to do about it."""

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(f"{message} {hint}")
        self.hint = hint
