"""The composition root: builds an application from settings."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

from fastapi import FastAPI

from . import __version__
from .api.anonymous import AnonymousRequests
from .api.dependencies import Services
from .api.fast_path import FastPath
from .api.json_routes import MAX_LARGE_BODIES, REST
from .api.methods import HeadAndOptions
from .api.middleware import BodyLimitAndHeaders
from .api.openapi import make_openapi
from .api.problems import handlers
from .api.routes import routes
from .api.routes.match import match
from .encryption import KeyFile
from .errors import SettingInvalid, StoreUnavailable
from .jobs import checkpoint_signing, index_saver
from .jobs import retention as retention_job
from .jobs.checkpoint_signing import CheckpointSigning
from .jobs.index_saver import IndexSaver
from .jobs.measurements import MetricsCollector
from .jobs.overmatch_watch import OvermatchDetector
from .jobs.periodic import run_every
from .jobs.retention import Periods, Retention
from .jobs.suspended_hashes import SuspendedHashes
from .jobs.webhook_delivery import WebhookDelivery
from .live.clock import Clock
from .live.follower import Follower
from .live.index import LiveIndex
from .live.key_limits import LiveKeyLimits
from .live.keys import LiveKeys
from .live.miss_counter import MissCounter
from .live.saved_indexes import SavedIndexes
from .live.screening import LiveScreening
from .live.usage_meter import UsageMeter
from .live.write_health import WriteHealth
from .models.disputes import DisputeRules
from .ratelimit.in_flight import InFlight
from .ratelimit.loop_share import LoopShare
from .ratelimit.turns import Turns
from .runtime.accept_gate import AcceptGate
from .runtime.garbage import keep_for_good
from .runtime.shared_memory import SharedCounts
from .screening.proof_of_work import Price
from .settings import Settings
from .store import Store
from .usecases.admission import Admission
from .usecases.cases import Cases
from .usecases.checkpoints import Checkpoints
from .usecases.feed import Feed
from .usecases.intake_level import IntakeLevel
from .usecases.lookups import Lookups


def create_app(
    settings: Settings,
    shared: SharedCounts | None = None,
    accept_gate: AcceptGate | None = None,
    *,
    owns_process: bool = False,
) -> FastAPI:
    """Build a worker's application. It connects at startup, and starts even without PostgreSQL.

    Workers with the same `shared` detect probing together. With gates of the same file, a worker
    that is loading leaves connections to those that serve. Without either, a worker is on its own.
    `owns_process` says that the application lasts as long as its process. Raises SettingInvalid.
    """
    services = _services(settings, shared)
    app = FastAPI(
        title="Unseen",
        version=__version__,
        lifespan=_lifespan(services, accept_gate, owns_process=owns_process),
        routes=routes,
        redirect_slashes=False,
        docs_url=None,
        openapi_url=None,  # a page of ours, made once (api/routes/health.py)
        # FastAPI's own spans and logs would contain addresses and paths.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
        redoc_url=None,
        exception_handlers=handlers,  # type: ignore[arg-type]
    )
    app.state.services = services
    app.add_middleware(FastPath, method="POST", path="/v1/match", endpoint=match)
    app.add_middleware(HeadAndOptions, routes=app.routes)
    app.add_middleware(BodyLimitAndHeaders, max_body=settings.max_body_bytes)
    app.add_middleware(AnonymousRequests, share=services.anonymous_share)
    app.openapi = make_openapi(app)  # type: ignore[method-assign]
    return app


def _lifespan(
    services: Services, accept_gate: AcceptGate | None, *, owns_process: bool
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """Return what starts and stops everything that runs beside requests."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await services.store.open()
        # A worker also starts without the key: matching goes on, and signing reports it.
        with suppress(StoreUnavailable, SettingInvalid):
            await services.checkpoints.open()
        tasks = [asyncio.create_task(each) for each in _background(services)]
        if owns_process:
            tasks.append(asyncio.create_task(keep_for_good(services.index.first_loaded)))
        if accept_gate:
            await accept_gate.wait(services.index.first_loaded)
            serving = accept_gate.mark_serving(services.index.first_loaded)
            tasks.append(asyncio.create_task(serving))
        yield
        if accept_gate:
            accept_gate.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with suppress(StoreUnavailable):
            await services.misses.write()
            await services.meter.settle()
        await services.store.close()

    return lifespan


def _background(services: Services) -> list[Coroutine[Any, Any, None]]:
    """Return what runs beside requests until the worker stops."""
    settings = services.settings
    measure_every = settings.measure_every_ms / 1_000
    delivery = WebhookDelivery(
        services.store, services.clock, private=bool(settings.webhook_private_targets)
    )
    detector = OvermatchDetector(services.store, floor=settings.overmatch_floor)
    every = timedelta(hours=settings.retain_every_hours)
    retention = Retention(services.store, Periods.of(settings), every)
    signing = CheckpointSigning(services.store, services.checkpoints, settings)
    suspended = SuspendedHashes(services.store)
    collector = MetricsCollector(
        services.store,
        services.follower,
        services.index,
        seconds=measure_every,
        overdue=timedelta(hours=settings.overdue_hours),
    )
    return [
        services.follower.run(),
        run_every(
            "settling budgets", 1.0, services.meter.settle, wake=services.meter.noticed, delay=1.0
        ),
        run_every("writing counts of misses", 60.0, services.misses.write, delay=60.0),
        delivery.run(),
        run_every("detecting over-matching", settings.watch_every_ms / 1_000, detector.scan),
        run_every("resuming hashes", settings.watch_every_ms / 1_000, suspended.resume),
        run_every("retention", retention_job.LOOK_EVERY_S, retention.run_if_due),
        run_every("signing the audit log", checkpoint_signing.LOOK_EVERY_S, signing.turn),
        run_every("collecting metrics", measure_every, collector.collect),
        run_every(
            "testing whether PostgreSQL can write", measure_every, services.write_health.probe
        ),
        run_every("comparing the schema", measure_every, services.follower.compare_schema),
        *_index_saving(services),
    ]


def _index_saving(services: Services) -> list[Coroutine[Any, Any, None]]:
    settings = services.settings
    if settings.index_dir is None:
        return []
    saver = IndexSaver(
        services.index,
        SavedIndexes(settings.index_dir),
        changes=settings.save_after_changes,
        seconds=settings.save_after_ms / 1_000,
    )
    every = index_saver.LOOK_EVERY_S
    return [run_every("saving the index", every, saver.save_if_due, delay=every)]


def _services(settings: Settings, shared: SharedCounts | None) -> Services:
    store = _store(settings)
    saved = SavedIndexes(settings.index_dir) if settings.index_dir else None
    clock, index = Clock(), LiveIndex(saved, settings.device)
    keys, screening, misses = LiveKeys(clock), LiveScreening(clock), MissCounter(store, clock)
    limits = LiveKeyLimits(
        settings.requests_per_minute,
        settings.hashes_per_minute,
        coarse=bool(settings.coarse_distances),
    )
    meter = UsageMeter(
        store,
        limits,
        alert_at=settings.probing_alert,
        shared=shared,
    )
    price = Price(settings.work_free_hashes_per_minute, settings.work_tries_per_hash)
    follower = Follower(store, index, [clock, keys, limits, screening])
    admission = Admission(screening, price, IntakeLevel(store, screening))
    return Services(
        settings=settings,
        store=store,
        clock=clock,
        index=index,
        keys=keys,
        follower=follower,
        admission=admission,
        cases=Cases(store, admission, takes_crops=bool(settings.crops)),
        lookups=Lookups(
            store,
            index,
            misses,
            meter,
            nearest=settings.hits_per_hash,
            secret=_crowd_secret(settings),
            in_flight=InFlight(settings.hashes_in_flight),
            pool_size=settings.pool_size,
        ),
        feed=Feed(store, follower),
        dispute_rules=DisputeRules(settings.disputes_wait_days, settings.disputes_per_day),
        misses=misses,
        meter=meter,
        checkpoints=Checkpoints(store, settings.audit_key, settings.kept_checkpoint),
        write_health=WriteHealth(store),
        anonymous_share=LoopShare(),
        large_bodies=Turns(at_once=1, waiting=MAX_LARGE_BODIES, rest=REST),
    )


def _crowd_secret(settings: Settings) -> bytes:
    """Return a secret that all hosts share, or, until the database is encrypted, a random one."""
    file = KeyFile(settings.encryption_key)
    return file.keyring.crowd_secret if file.exists() else secrets.token_bytes(32)


def _store(settings: Settings) -> Store:
    if settings.database_url is None:
        raise SettingInvalid(
            "DATABASE_URL is not set. Set it to a PostgreSQL 15+ database, "
            "or run 'unseen-service serve --data DIR' for an embedded one."
        )
    return Store(
        settings.database_url,
        key_file=KeyFile(settings.encryption_key),
        pool_size=settings.pool_size,
        timeout=settings.pool_timeout_ms / 1_000,
        patience=settings.statement_timeout_ms / 1_000,
    )
