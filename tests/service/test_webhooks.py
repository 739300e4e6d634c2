"""Webhooks: signed, delivered at least once, replayed, never sent into a private network."""

import base64
import hashlib
import hmac
import ipaddress
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psycopg
import pytest
from unseen_service.jobs import webhook_delivery
from unseen_service.jobs.webhook_delivery import RETRY_AFTER
from unseen_service.store import webhooks as outbox
from unseen_service.usecases.special_addresses import is_public
from unseen_service.usecases.standard_webhooks import sign

from tests.support.databases import is_anyone_waiting, query
from tests.support.hashes import random_pdq
from tests.support.mirrors import Mirror
from tests.support.running_service import RunningService, serving
from tests.support.submissions import post_hashes, submission, submit, withdraw
from tests.support.waiting import wait_until
from tests.support.webhook_receiver import WebhookReceiver, register_webhook


@pytest.fixture
def open_service(database_url: str) -> Iterator[RunningService]:
    """A service that may send to this machine."""
    with serving(database_url, webhook_private_targets=1) as running:
        yield running


@pytest.fixture
def platform(open_service: RunningService) -> Iterator[httpx.Client]:
    with open_service.client("feed", "feedback") as client:
        yield client


def the_webhook(client: httpx.Client) -> dict[str, Any]:
    (webhook,) = client.get("/v1/webhooks").json()["webhooks"]
    shown: dict[str, Any] = webhook
    return shown


def make_due(service: RunningService, attempts: int | None = None) -> None:
    """Make waiting messages due, optionally as if so many attempts had been made."""
    with psycopg.connect(service.database_url) as connection:
        connection.execute(
            "UPDATE webhook_messages SET due_at = now(), attempts = coalesce(%s, attempts)"
            " WHERE due_at IS NOT NULL",
            (attempts,),
        )
        connection.execute("NOTIFY unseen_webhooks")


def test_changes_are_sent_with_records_but_no_bits(
    open_service: RunningService, platform: httpx.Client, receiver: WebhookReceiver
) -> None:
    register_webhook(platform, receiver.url)
    case = submit(open_service, random_pdq(1), random_pdq(2))
    records = sorted(Mirror(platform).catch_up().kept)
    for name in ("Two", "Three"):
        with open_service.client("feed", "feedback", platform=name) as other:
            Mirror(other).catch_up()
            feedback = [{"record": records[0], "value": "not-intimate"}]
            other.post("/v1/feedback", json={"feedback": feedback})
    withdraw(open_service, case)
    wait_until(lambda: len(receiver.received) == 3)
    bodies = {body["type"]: body for body in receiver.bodies()}
    assert sorted(bodies) == ["hash.added", "hash.standing", "hash.withdrawn"]
    assert [
        sorted((each["record"], each["standing"]) for each in bodies[event]["data"]["records"])
        for event in sorted(bodies)
    ] == [
        [(record, "unreviewed") for record in records],
        [(records[0], "unreviewed")],
        [(records[0], "unreviewed"), (records[1], "unreviewed")],
    ]
    sent = b"".join(body for _, body in receiver.received).decode()
    assert random_pdq(1) not in sent
    assert case["case"] not in sent
    wait_until(lambda: the_webhook(platform)["delivered"] == 3)
    assert the_webhook(platform)["waiting"] == 0


def test_message_is_signed_as_standard_webhooks_specifies(
    platform: httpx.Client, receiver: WebhookReceiver
) -> None:
    ref, secret = register_webhook(platform, receiver.url)
    message = platform.post(f"/v1/webhooks/{ref}/test").json()["message"]
    wait_until(lambda: receiver.received)
    headers, body = receiver.received[0]
    assert headers["webhook-id"] == message
    assert headers["content-type"] == "application/json"
    signed = f"{message}.{headers['webhook-timestamp']}.".encode() + body
    digest = hmac.new(secret, signed, hashlib.sha256).digest()
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"
    assert json.loads(body)["type"] == "webhook.test"


def test_signature_matches_the_published_example() -> None:
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    assert (
        sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
        == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


def test_only_subscribed_events_are_sent(
    open_service: RunningService, platform: httpx.Client, receiver: WebhookReceiver
) -> None:
    register_webhook(platform, receiver.url, "hash.withdrawn")
    withdraw(open_service, submit(open_service, random_pdq(1)))
    wait_until(lambda: receiver.received)
    assert [body["type"] for body in receiver.bodies()] == ["hash.withdrawn"]


def test_messages_have_at_most_a_thousand_records(
    open_service: RunningService, platform: httpx.Client, receiver: WebhookReceiver
) -> None:
    register_webhook(platform, receiver.url)
    sent = submission(*map(random_pdq, range(1_000)))
    for n, image in enumerate(sent["images"][1:]):
        image["hashes"].append({"pdq": random_pdq(10_000 + n), "quality": 90, "view": "mirror"})
    assert httpx.post(f"{open_service.url}/v1/cases", json=sent, timeout=60).status_code == 201
    wait_until(lambda: len(receiver.received) == 2)
    sizes = sorted(len(body["data"]["records"]) for body in receiver.bodies())
    assert sizes == [999, 1_000]


@pytest.mark.parametrize("answer", [500, 404, 302])
def test_failed_message_is_retried_unchanged(
    open_service: RunningService, platform: httpx.Client, receiver: WebhookReceiver, answer: int
) -> None:
    receiver.answer = answer
    ref, _ = register_webhook(platform, receiver.url)
    platform.post(f"/v1/webhooks/{ref}/test")
    wait_until(lambda: len(receiver.received) == 1)
    receiver.answer = 200
    wait_until(lambda: _failure(open_service) == f"answered {answer}")
    make_due(open_service)
    wait_until(lambda: the_webhook(platform)["delivered"] == 1)
    (first, again), (first_body, second_body) = zip(*receiver.received, strict=True)
    assert first["webhook-id"] == again["webhook-id"]
    assert first_body == second_body
    assert the_webhook(platform)["waiting"] == 0


def _failure(service: RunningService) -> str | None:
    with psycopg.connect(service.database_url) as connection:
        row = connection.execute("SELECT failure FROM webhook_messages").fetchone()
    return row[0] if row else None


def test_message_out_of_retries_is_listed_and_replayed(
    open_service: RunningService, platform: httpx.Client, receiver: WebhookReceiver
) -> None:
    receiver.answer = 503
    ref, _ = register_webhook(platform, receiver.url)
    message = platform.post(f"/v1/webhooks/{ref}/test").json()["message"]
    wait_until(lambda: _failure(open_service))
    make_due(open_service, attempts=len(RETRY_AFTER))
    wait_until(lambda: the_webhook(platform)["given_up"] == 1)
    (shown,) = platform.get(f"/v1/webhooks/{ref}/given-up").json()["messages"]
    assert (shown["message"], shown["event"]) == (message, "webhook.test")
    assert (shown["attempts"], shown["failure"]) == (len(RETRY_AFTER) + 1, "answered 503")
    receiver.answer = 200
    assert platform.post(f"/v1/webhooks/{ref}/replay").json() == {"replayed": 1}
    wait_until(lambda: the_webhook(platform)["delivered"] == 1)
    assert receiver.received[-1][0]["webhook-id"] == message


def test_message_survives_its_worker(database_url: str, receiver: WebhookReceiver) -> None:
    with serving(database_url, webhook_private_targets=1) as service:
        with service.client("feed") as client:
            register_webhook(client, receiver.url)
        receiver.answer = 500
        submit(service, random_pdq(1))
        wait_until(lambda: _failure(service))
    receiver.answer = 200
    with serving(database_url, webhook_private_targets=1) as service:
        make_due(service)
        wait_until(lambda: len(receiver.received) >= 2)
    assert len({headers["webhook-id"] for headers, _ in receiver.received}) == 1


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://localhost/",
        "https://10.0.0.1/",
        "https://192.168.1.1:8443/x",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[fe80::1]/",
        "https://0x7f000001/",
        "https://2130706433/",
        "https://0/",
        "http://example.com/",
        "https://user:secret@example.com/",
        "https://example.com/#part",
        "https://:443/",
        "https://example.com:0/",
        "https://no-such-host.invalid/",
        "ftp://example.com/",
        "example.com",
        "https://[/",
        "https://[fec0::1]/",
        "https://[3fff::1]/",
        "https://[64:ff9b:1::1]/",
        "https://[2001:0:1::1]/",
        "https://example.com/\r\nX: y",
        "https://exam\nple.com/",
        "https://example.com/\t",
        " https://example.com/",
        "https://example.com/\x00",
        "https://example.com/\u202e",
    ],
)
def test_private_or_invalid_target_is_refused(service: RunningService, url: str) -> None:
    with service.client("feed") as client:
        answer = client.post("/v1/webhooks", json={"url": url})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["at"] == "url"


def test_target_that_became_private_is_refused_at_delivery(
    database_url: str, receiver: WebhookReceiver
) -> None:
    with (
        serving(database_url, webhook_private_targets=1) as lenient,
        lenient.client("feed") as client,
    ):
        register_webhook(client, receiver.url)
    with serving(database_url) as strict:
        submit(strict, random_pdq(1))
        wait_until(lambda: _failure(strict))
        assert "private network" in str(_failure(strict))
    assert receiver.received == []


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("0.0.0.1", False),
        ("::", False),
        ("fc00::1", False),
        ("ff02::1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::5db8:d70e", True),
        ("2002:7f00:1::", False),
        ("2002:5db8:d70e::", False),
        ("2001:db8::1", False),
        ("64:ff9b:1::5db8:d70e", False),
        ("::ffff:93.184.215.14", True),
        ("::93.184.215.14", False),
        ("fec0::1", False),
        ("3fff::1", False),
        ("3fff:fff:ffff::1", False),
        ("5f00::1", False),
        ("2001::1", False),
        ("2001:20::1", False),
        ("2001:200::1", True),
        ("2620:4f:8000::1", False),
        ("100::1", False),
        ("4000::1", False),
        ("192.0.0.9", False),
        ("192.31.196.1", False),
        ("192.88.99.1", False),
        ("198.19.255.255", False),
        ("198.51.100.1", False),
        ("203.0.113.1", False),
        ("169.254.169.254", False),
        ("172.31.255.255", False),
        ("172.32.0.1", True),
        ("1.1.1.1", True),
    ],
)
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert is_public(ipaddress.ip_address(address)) is public


def test_webhooks_belong_to_one_platform(
    open_service: RunningService, receiver: WebhookReceiver
) -> None:
    with (
        open_service.client("feed", platform="One") as one,
        open_service.client("feed", platform="Two") as two,
    ):
        ref, _ = register_webhook(one, receiver.url)
        assert two.get("/v1/webhooks").json() == {"webhooks": []}
        refused = [
            two.delete(f"/v1/webhooks/{ref}"),
            two.post(f"/v1/webhooks/{ref}/test"),
            two.post(f"/v1/webhooks/{ref}/replay"),
            two.get(f"/v1/webhooks/{ref}/given-up"),
        ]
        assert {each.status_code for each in refused} == {404}
        assert one.delete(f"/v1/webhooks/{ref}").status_code == 204
        assert one.delete(f"/v1/webhooks/{ref}").status_code == 404
        submit(open_service, random_pdq(1))
        for _ in range(10):
            register_webhook(one, receiver.url)
        assert one.post("/v1/webhooks", json={"url": receiver.url}).status_code == 422
    assert receiver.received == []


def test_webhooks_require_the_feed_scope(service: RunningService) -> None:
    with service.client("match") as client:
        assert client.get("/v1/webhooks").status_code == 403
        assert client.post("/v1/webhooks", json={"url": "https://x"}).status_code == 403


def test_failed_message_is_retried_when_due_without_a_notification(
    open_service: RunningService,
    platform: httpx.Client,
    receiver: WebhookReceiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(webhook_delivery, "RETRY_AFTER", (1, 60))
    register_webhook(platform, receiver.url)
    receiver.answer = 500
    submit(open_service, random_pdq(1))
    wait_until(lambda: len(receiver.received) == 1)
    receiver.answer = 204
    wait_until(lambda: len(receiver.received) == 2)
    assert receiver.received[0][0]["webhook-id"] == receiver.received[1][0]["webhook-id"]


def test_webhook_that_receives_nothing_has_a_limited_number_of_messages(
    open_service: RunningService, platform: httpx.Client, receiver: WebhookReceiver
) -> None:
    """Millions of them took a minute to delete, and submissions waited for it."""
    receiver.answer = 500
    hook, _ = register_webhook(platform, receiver.url)
    query(
        open_service.database_url,
        "INSERT INTO webhook_messages (webhook_id, event, body, due_at)"
        " SELECT 1, 'hash.added', '{}', NULL FROM generate_series(1, 9999)",
    )
    count = "SELECT count(*) FROM webhook_messages"
    for n in range(3):
        submit(open_service, random_pdq(n))
        assert query(open_service.database_url, count) == [(10_000,)]
    refused = platform.post(f"/v1/webhooks/{hook}/test")
    assert (refused.status_code, "10,000 messages" in refused.json()["detail"]) == (422, True)
    query(open_service.database_url, "DELETE FROM webhook_messages WHERE id > 9000")
    submit(open_service, random_pdq(4))
    assert query(open_service.database_url, count) == [(9_001,)]


def test_empty_outbox_is_not_polled(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    claims: list[object] = []
    claim = outbox.claim

    async def count_claims(*arguments: Any) -> Any:
        claims.append(arguments)
        return await claim(*arguments)

    monkeypatch.setattr(outbox, "claim", count_claims)
    with serving(database_url) as service:
        # Once at the start, and whenever it has begun to listen: often more than once under load.
        wait_until(lambda: len(claims) >= 2)
        for n in range(20):
            submit(service, random_pdq(n))
            service.wait_in_step()
        assert len(claims) < 10


def submit_one(service: RunningService, *_: object) -> httpx.Response:
    return post_hashes(service, random_pdq(1))


def send_test(_: object, platform: httpx.Client, webhook: str) -> httpx.Response:
    return platform.post(f"/v1/webhooks/{webhook}/test")


@pytest.mark.parametrize(("call", "expected"), [(submit_one, 201), (send_test, 404)])
def test_nothing_is_enqueued_for_a_webhook_that_is_being_deleted(
    open_service: RunningService,
    platform: httpx.Client,
    receiver: WebhookReceiver,
    call: Callable[..., httpx.Response],
    expected: int,
) -> None:
    """A call that meets the deletion before its commit must not fail for it."""
    url = open_service.database_url
    webhook, _ = register_webhook(platform, receiver.url)
    with psycopg.connect(url) as deleting, ThreadPoolExecutor(1) as thread:
        deleting.execute("DELETE FROM webhooks")
        answer = thread.submit(call, open_service, platform, webhook)
        wait_until(lambda: is_anyone_waiting(url))
        deleting.commit()
        assert answer.result().status_code == expected
    assert receiver.received == []


def test_webhooks_are_sent_alike_for_stored_and_new_hashes(
    open_service: RunningService, platform: httpx.Client, receiver: WebhookReceiver
) -> None:
    """If platforms were told sooner of new hashes, a case would show deliveries sooner."""
    submit(open_service, random_pdq(1))
    Mirror(platform).catch_up()
    register_webhook(platform, receiver.url)
    events: list[list[tuple[str, int]]] = []
    for pdq in (random_pdq(1), random_pdq(2)):
        receiver.received.clear()
        withdraw(open_service, submit(open_service, pdq))
        wait_until(lambda: len(receiver.received) == 2)
        events.append(
            sorted((body["type"], len(body["data"]["records"])) for body in receiver.bodies())
        )
    stored, new = events
    assert stored == [("hash.added", 1), ("hash.withdrawn", 0)]
    assert new == [("hash.added", 1), ("hash.withdrawn", 1)]
