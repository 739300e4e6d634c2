"""HTTP only: parse a request, call one use case, write the response. Errors become problems."""
