"""The composition root: settings in, an application out."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI

from . import __version__
from .api import Edge, Services, describe, handlers, router
from .exchange import Feed
from .live import Follower, LiveIndex, LiveKeys
from .matching import Matching
from .settings import Settings
from .store import Store
from .takedown import Takedown


def create_app(settings: Settings) -> FastAPI:
    """Put a worker together; it connects when it is started, and serves before PostgreSQL is up."""
    services = _services(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await services.store.open()
        following = asyncio.create_task(services.follower.run())
        yield
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
        await services.store.close()

    app = FastAPI(
        title="Unseen",
        version=__version__,
        description="Keeps the PDQ hashes of intimate images that are shared, or threatened to be, "
        "against somebody's will; answers platforms whether an upload is close to one.",
        lifespan=lifespan,
        generate_unique_id_function=lambda route: route.name,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        exception_handlers=handlers,  # type: ignore[arg-type]
    )
    app.state.services = services
    app.add_middleware(Edge, max_body=settings.max_body_bytes)
    app.include_router(router)
    app.openapi = describe(app)  # type: ignore[method-assign]
    return app


def from_environment() -> FastAPI:
    """Put a worker together from the environment: what each uvicorn worker calls."""
    return create_app(Settings.from_environment(os.environ))


def _services(settings: Settings) -> Services:
    store = Store(
        settings.database_url,
        pool_size=settings.pool_size,
        timeout=settings.pool_timeout_ms / 1_000,
    )
    index, keys = LiveIndex(), LiveKeys()
    follower = Follower(store, index, keys)
    return Services(
        settings=settings,
        store=store,
        index=index,
        keys=keys,
        follower=follower,
        takedown=Takedown(store),
        matching=Matching(store, index),
        feed=Feed(store, follower),
    )
