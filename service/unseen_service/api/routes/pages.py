"""The web pages: the person's at the root, the staff page at /staff."""

from fastapi import Request, Response

from ...pages import Page, person_page, staff_page
from ..router import make_router

router = make_router(include_in_schema=False)


@router.get("/")
async def show_page(request: Request) -> Response:
    """Serve the person's page."""
    return _served(person_page(), request)


@router.get("/staff")
async def show_staff_page(request: Request) -> Response:
    """Serve the staff page; it shows nothing until a key is typed into it."""
    return _served(staff_page(), request)


def _served(page: Page, request: Request) -> Response:
    """Return a page, compressed if the client accepts that, as every browser does."""
    headers = dict(page.headers)
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(page.html, headers=headers)
    return Response(page.gzipped, headers=headers | {"Content-Encoding": "gzip"})
