"""HTTP only: parse, call one use case, answer. Errors become problem+json here."""
