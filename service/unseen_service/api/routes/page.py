"""The person's page, at the root."""

from fastapi import APIRouter, Request, Response

from ...pages import person_page

router = APIRouter(include_in_schema=False)


@router.get("/")
async def show_page(request: Request) -> Response:
    """Serve the page; compressed for whoever takes that, which is every browser."""
    page = person_page()
    headers = dict(page.headers)
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(page.html, headers=headers)
    return Response(page.gzipped, headers=headers | {"Content-Encoding": "gzip"})
