"""The web pages: the person's at the root, the staff page at /staff."""

from functools import cache

from fastapi import Request, Response

from ...pages import Page, person_page, staff_page
from ..fixed_pages import FixedPage
from ..router import make_router

router = make_router(include_in_schema=False)


@router.get("/")
async def show_page(request: Request) -> Response:
    """Serve the person's page."""
    return _fixed(person_page()).answer(request)


@router.get("/staff")
async def show_staff_page(request: Request) -> Response:
    """Serve the staff page; it shows nothing until a key is typed into it."""
    return _fixed(staff_page()).answer(request)


@cache
def _fixed(page: Page) -> FixedPage:
    # No Cache-Control of its own, so that it is no-store: it must leave no trace on a device that
    # someone else uses, too.
    return FixedPage(page.html, page.headers, page.gzipped)
