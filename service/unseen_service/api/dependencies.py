"""What the routes work with, built by the composition root."""

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from ..live.clock import Clock
from ..live.follower import Follower
from ..live.index import LiveIndex
from ..live.keys import LiveKeys
from ..live.miss_counter import MissCounter
from ..live.usage_meter import UsageMeter
from ..live.write_health import WriteHealth
from ..models.disputes import DisputeRules
from ..ratelimit.loop_share import LoopShare
from ..ratelimit.turns import Turns
from ..settings import Settings
from ..store import Store
from ..usecases.admission import Admission
from ..usecases.cases import Cases
from ..usecases.checkpoints import Checkpoints
from ..usecases.feed import Feed
from ..usecases.lookups import Lookups


@dataclass(frozen=True, slots=True)
class Services:
    """The use cases and what they depend on; one of each per worker."""

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
    dispute_rules: DisputeRules
    misses: MissCounter
    meter: UsageMeter
    checkpoints: Checkpoints
    write_health: WriteHealth
    anonymous_share: LoopShare
    large_bodies: Turns
    """For large bodies of requests without a key, from their last byte to the response."""


async def get_services(request: Request) -> Services:
    """Return what the composition root built."""
    return cast(Services, request.app.state.services)


Provided = Annotated[Services, Depends(get_services)]
