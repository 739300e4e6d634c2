"""What this service offers, for clients that support more or less than it does."""

from ... import __version__
from ...errors import Unavailable
from ...models.hashes import View
from ..dependencies import Provided
from ..openapi import problem_responses
from ..router import make_router
from ..schemas import service as schemas

router = make_router(tags=["person"])


@router.get("/v1/service", responses=problem_responses(Unavailable))
async def show_service(provided: Provided) -> schemas.ServiceOut:
    """Describe the service.

    Returns its version, what it accepts and how much. A service of version 0.1 answers 404.
    """
    takes_crops = await provided.cases.takes_crops()
    return schemas.ServiceOut(
        version=__version__,
        views=[view for view in View if takes_crops or not view.is_crop],
        features=["crops", "images"] if takes_crops else ["images"],
        limits=schemas.ServiceLimitsOut(
            body_bytes=provided.settings.max_body_bytes,
            max_distance=provided.settings.max_distance,
        ),
    )
