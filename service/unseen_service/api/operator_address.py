"""What is answered only on the operator's own address: metrics, and details of readiness.

Exact counts of stored hashes tell anyone who submits a hash whether it is new. A rule of the
reverse proxy would be the only wall, so they are on a socket of their own, on loopback by default.
"""

from fastapi import Request

from ..settings import Address


def is_operator(request: Request, address: Address | None) -> bool:
    """Return whether a request came in on the operator's address; None: there is none."""
    server = request.scope.get("server")
    # The port decides: a socket that listens on all addresses has each of them in turn.
    return address is not None and server is not None and server[1] == address.port
