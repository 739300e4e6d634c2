"""One platform's webhooks never wait for another's: receivers that hang, drip, or never resolve."""

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import httpx
import psycopg
import pytest
from unseen_service import metrics
from unseen_service.jobs import webhook_delivery
from unseen_service.store import webhooks as outbox
from unseen_service.usecases import name_lookups

from tests.support.hashes import random_pdq
from tests.support.running_service import RunningService, serving
from tests.support.submissions import submit
from tests.support.waiting import wait_until
from tests.support.webhook_receiver import WebhookReceiver, register_webhook

CASES = 12


class StuckReceiver:
    """Accepts connections and never answers whole: silent, or a byte of a header now and then."""

    def __init__(self, *, drips: bool) -> None:
        self.open = 0
        self.most = 0
        self._drips = drips
        self._ended = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/hook"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._ended.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _accept(self) -> None:
        while not self._ended.is_set():
            with suppress(OSError):
                connection, _ = self._socket.accept()
                self.open += 1
                self.most = max(self.most, self.open)
                threading.Thread(target=self._hold, args=(connection,), daemon=True).start()

    def _hold(self, connection: socket.socket) -> None:
        connection.settimeout(0.05)
        if self._drips:
            connection.send(b"HTTP/1.1 200 OK\r\nX-Drip: ")
        while not self._ended.is_set():
            try:
                if self._drips:
                    connection.send(b"x")
                if connection.recv(65_536) == b"":
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        self.open -= 1
        connection.close()


@pytest.fixture(params=[False, True], ids=["hanging", "dripping"])
def stuck(request: pytest.FixtureRequest) -> Iterator[StuckReceiver]:
    receiver = StuckReceiver(drips=request.param)
    yield receiver
    receiver.close()


@pytest.fixture
def open_service(database_url: str) -> Iterator[RunningService]:
    with serving(database_url, webhook_private_targets=1) as running:
        yield running


def row(service: RunningService, query: str) -> Any:
    with psycopg.connect(service.database_url, autocommit=True) as connection:
        return connection.execute(query).fetchone()  # type: ignore[call-overload]


def test_a_stuck_receiver_delays_no_other_platform(
    open_service: RunningService,
    receiver: WebhookReceiver,
    stuck: StuckReceiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All of the other platform's messages arrive while the first to the stuck one is unanswered.

    Before, 20 messages were claimed, and no others until all of them had been answered.
    """
    monkeypatch.setattr(webhook_delivery, "_TIMEOUT_S", 600.0)
    with (
        open_service.client("feed", platform="One") as one,
        open_service.client("feed", platform="Two") as two,
    ):
        for _ in range(3):
            register_webhook(one, stuck.url, "hash.added")
        register_webhook(two, receiver.url, "hash.added")
        for number in range(CASES):
            submit(open_service, random_pdq(number))
        wait_until(lambda: len(receiver.received) == CASES)
        assert row(open_service, "SELECT sum(delivered) FROM webhooks")[0] <= CASES
        waiting = "SELECT count(*) FROM webhook_messages WHERE failure IS NULL"
        wait_until(lambda: row(open_service, waiting)[0] == 3 * CASES)
    assert stuck.open == stuck.most == outbox.MAX_PER_PLATFORM


def test_a_stuck_receiver_has_few_messages_in_flight(
    open_service: RunningService, stuck: StuckReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook_delivery, "_TIMEOUT_S", 600.0)
    with open_service.client("feed") as client:
        register_webhook(client, stuck.url, "hash.added")
        for number in range(CASES):
            submit(open_service, random_pdq(number))
        wait_until(lambda: stuck.open == outbox.MAX_PER_WEBHOOK)
        claimed = "SELECT count(*) FROM webhook_messages WHERE attempts > 0"
        assert row(open_service, claimed)[0] == outbox.MAX_PER_WEBHOOK


def test_a_webhook_that_hangs_again_and_again_is_paused(
    open_service: RunningService,
    stuck: StuckReceiver,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(webhook_delivery, "_TIMEOUT_S", 0.3)
    monkeypatch.setattr(outbox, "FIRST_PAUSE_S", 3)
    hanging = metrics.WEBHOOK_ATTEMPTS.labels("hanging")
    before = hanging._value.get()
    with caplog.at_level(logging.WARNING), open_service.client("feed") as client:
        ref, _ = register_webhook(client, stuck.url, "hash.added")
        for number in range(CASES):
            submit(open_service, random_pdq(number))
        paused = "SELECT count(*) FROM webhooks WHERE paused_until > now()"
        wait_until(lambda: row(open_service, paused)[0] == 1)
        # The failure counts for every message that is due, so that none waits for ever.
        untried = "SELECT count(*) FROM webhook_messages WHERE attempts = 0 AND due_at <= now()"
        wait_until(lambda: row(open_service, untried)[0] == 0)
        wait_until(lambda: stuck.open == 0)
        attempts = hanging._value.get() - before
        assert outbox.FAILURES_BEFORE_PAUSE <= attempts < CASES
        with psycopg.connect(open_service.database_url, autocommit=True) as connection:
            connection.execute("UPDATE webhook_messages SET due_at = now()")
            connection.execute("NOTIFY unseen_webhooks")
        time.sleep(0.5)
        assert hanging._value.get() - before == attempts  # nothing is sent during the pause
    lines = [each for each in caplog.messages if ref in each]
    assert len(lines) == 1
    assert "hanging" in lines[0]
    assert "127.0.0.1" not in lines[0]


def test_a_paused_webhook_is_tried_again_with_one_message(
    open_service: RunningService, receiver: WebhookReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "FIRST_PAUSE_S", 3)
    receiver.answer = 500
    with open_service.client("feed") as client:
        register_webhook(client, receiver.url, "hash.added")
        for number in range(CASES):
            submit(open_service, random_pdq(number))
        paused = "SELECT count(*) FROM webhooks WHERE paused_until > now()"
        wait_until(lambda: row(open_service, paused)[0] == 1)
        idle = "SELECT count(*) FROM webhook_messages WHERE failure IS NULL"
        wait_until(lambda: row(open_service, idle)[0] == 0)
        failures = row(open_service, "SELECT failures FROM webhooks")[0]
        sent = len(receiver.received)
        end_pause = "UPDATE webhooks SET paused_until = now()"
        with psycopg.connect(open_service.database_url, autocommit=True) as connection:
            connection.execute("UPDATE webhook_messages SET due_at = now()")
            connection.execute(end_pause)
            connection.execute("NOTIFY unseen_webhooks")
        wait_until(lambda: row(open_service, "SELECT failures FROM webhooks")[0] == failures + 1)
        assert len(receiver.received) == sent + 1
        receiver.answer = 204
        with psycopg.connect(open_service.database_url, autocommit=True) as connection:
            connection.execute("UPDATE webhook_messages SET due_at = now()")
            connection.execute(end_pause)
            connection.execute("NOTIFY unseen_webhooks")
        wait_until(lambda: row(open_service, "SELECT delivered FROM webhooks")[0] == CASES)
        assert row(open_service, "SELECT failures, paused_until FROM webhooks") == (0, None)


@pytest.mark.parametrize("action", ["test", "replay"])
def test_a_platform_ends_the_pause_itself(
    open_service: RunningService, receiver: WebhookReceiver, action: str
) -> None:
    with open_service.client("feed") as client:
        ref, _ = register_webhook(client, receiver.url)
        with psycopg.connect(open_service.database_url, autocommit=True) as connection:
            connection.execute(
                "UPDATE webhooks SET failures = 9, paused_until = now() + interval '1 hour'"
            )
            connection.execute(
                "INSERT INTO webhook_messages (webhook_id, event, body, due_at)"
                " SELECT id, 'hash.added', '{}', NULL FROM webhooks"
            )
        client.post(f"/v1/webhooks/{ref}/{action}").raise_for_status()
        wait_until(lambda: len(receiver.received) == 1)


def test_names_that_do_not_resolve_hold_up_no_other_platform(
    database_url: str, receiver: WebhookReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A platform's name server is silent: 40 lookups of its names, and then another's name."""
    answered = threading.Event()
    blocked = 0
    real = socket.getaddrinfo

    def resolve(host: Any, *arguments: Any, **more: Any) -> Any:
        nonlocal blocked
        if str(host).endswith("silent.example"):
            blocked += 1
            answered.wait(60)
        return real(host, *arguments, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(name_lookups, "TIMEOUT_S", 60.0)
    with (
        serving(database_url, webhook_private_targets=1) as service,
        service.client("feed", platform="One") as one,
        service.client("feed", platform="Two") as two,
        ThreadPoolExecutor(40) as pool,
    ):
        ask: Callable[[int], httpx.Response] = lambda n: one.post(  # noqa: E731
            "/v1/webhooks", json={"url": f"https://{n}.silent.example/"}, timeout=90
        )
        asked = [pool.submit(ask, number) for number in range(40)]
        wait_until(lambda: sum(each.done() for each in asked) == 40 - name_lookups.MAX_LOOKUPS)
        register_webhook(two, receiver.url, "hash.added")
        submit(service, random_pdq(1))
        wait_until(lambda: receiver.received)
        assert blocked == name_lookups.MAX_LOOKUPS
        answered.set()
        assert {each.result().status_code for each in asked} == {422}
