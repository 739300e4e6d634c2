"""Error responses of the service (RFC 9457)."""

import httpx


def problem_slug(response: httpx.Response) -> str:
    """Check that a response is a well-formed problem; return its slug."""
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == response.status_code
    assert problem["detail"]
    prefix, _, slug = problem["type"].rpartition(":")
    assert prefix == "urn:unseen:problem"
    return str(slug)
