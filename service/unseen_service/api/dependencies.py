"""What the routes work with, put together by the composition root."""

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from ..live.clock import Clock
from ..live.follower import Follower
from ..live.index import LiveIndex
from ..live.keys import LiveKeys
from ..live.miss_counter import MissCounter
from ..live.usage_meter import UsageMeter
from ..settings import Settings
from ..store import Store
from ..usecases.admission import Admission
from ..usecases.cases import Cases
from ..usecases.checkpoints import Checkpoints
from ..usecases.feed import Feed
from ..usecases.lookups import Lookups


@dataclass(frozen=True, slots=True)
class Services:
    """The flows and what they stand on, one of each a worker."""

    settings: Settings
    store: Store
    clock: Clock
    index: LiveIndex
    keys: LiveKeys
    follower: Follower
    admission: Admission
    cases: Cases
    lookups: Lookups
    feed: Feed
    misses: MissCounter
    meter: UsageMeter
    checkpoints: Checkpoints


async def services(request: Request) -> Services:
    """Hand a route what the composition root made."""
    return cast(Services, request.app.state.services)


Provided = Annotated[Services, Depends(services)]
