"""Keys: approval by a second person, rotation, expiry, revocation, secrecy."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import psycopg
import pytest
from unseen_service.errors import (
    InvalidRequest,
    KeyNotFound,
    NotAuthenticated,
    SecondPersonNeeded,
    StillLoading,
)
from unseen_service.live.clock import Clock
from unseen_service.live.follower import Follower
from unseen_service.live.index import LiveIndex
from unseen_service.live.keys import LiveKeys
from unseen_service.models.keys import IssuedKey, KeyStatus, NewKey, Scope
from unseen_service.store import Store
from unseen_service.usecases import actors, key_approval, keys

from tests.support.hashes import random_pdq
from tests.support.holder_keys import APPROVER, ISSUER, HolderKey
from tests.support.running_service import RunningService, serving
from tests.support.waiting import wait_until

ALICE, BOB = actors.operator("alice"), actors.operator("bob")


def issue(service: RunningService, *scopes: Scope, lasts: timedelta | None = None) -> IssuedKey:
    expires_at = datetime.now(UTC) + lasts if lasts else None
    new = NewKey("Example", frozenset(scopes), "asked for by mail", expires_at)
    return service.flow(lambda store: keys.issue_key(store, new, ALICE))


def is_accepted(url: str, key: str) -> bool:
    """Return whether an endpoint that is open to every active key accepts a key."""
    answer = httpx.get(f"{url}/v1/audit/verifier", headers={"Authorization": f"Bearer {key}"})
    return answer.status_code == 200


@pytest.mark.parametrize("scope", [Scope.FEED, Scope.SUBMIT, Scope.AUDIT, Scope.ADMIN])
def test_sensitive_key_is_inactive_until_a_second_person_approves_it(
    service: RunningService, scope: Scope
) -> None:
    made = HolderKey()
    new = NewKey("Example", frozenset({Scope.MATCH, scope}), digest=made.digest_bytes)
    issued = service.flow(lambda store: keys.issue_key(store, new, ISSUER))
    assert (issued.status, issued.secret) == (KeyStatus.UNUSED, None)
    with pytest.raises(KeyNotFound, match="never used"):
        service.flow(lambda store: key_approval.approve_key(store, issued.id, APPROVER))
    wait_until(lambda: made.activate(service.url).is_success)
    with pytest.raises(SecondPersonNeeded):
        service.flow(lambda store: key_approval.approve_key(store, issued.id, ISSUER))
    later = issue(service, Scope.MATCH)
    wait_until(lambda: is_accepted(service.url, later.key))
    assert not is_accepted(service.url, made.secret), "not even for its other scope"
    service.flow(lambda store: key_approval.approve_key(store, issued.id, APPROVER))
    wait_until(lambda: is_accepted(service.url, made.secret))
    with pytest.raises(KeyNotFound, match="waiting"):
        service.flow(lambda store: key_approval.approve_key(store, issued.id, APPROVER))


def test_lookup_key_may_be_made_by_its_holder_too(service: RunningService) -> None:
    made = HolderKey()
    with service.client("admin", platform="Staff") as admin:
        issued = admin.post("/v1/keys", json=made.body("New", "match", "feedback")).json()
        assert (issued["status"], issued["key"]) == ("unused", None)
        wait_until(lambda: made.activate(service.url).is_success)
        assert made.activate(service.url).json() == {
            "id": issued["id"], "platform": "New", "scopes": ["feedback", "match"],
            "status": "in-force", "fingerprint": made.fingerprint, "expires_at": None,
        }  # fmt: skip
        wait_until(lambda: is_accepted(service.url, made.secret))
    assert [each["key"] for each in service.audit_details("key.activated")].count(issued["id"]) == 1


def test_holder_replaces_their_own_key(service: RunningService) -> None:
    """Only they know either; the old one ends once the new one was used."""
    old, new = HolderKey(service.key("feed", "match")), HolderKey()

    def rotate(made: HolderKey, overlap_s: int) -> httpx.Response:
        body = {"digest": made.digest, "overlap_s": overlap_s}
        return httpx.post(f"{service.url}/v1/keys/self/rotate", json=body, headers=old.headers)

    typo = rotate(HolderKey(), 0).json()
    assert (typo["status"], typo["key"]) == ("unused", None)
    rotated = rotate(new, 1)
    assert rotated.json()["status"] == "unused", "one that was never used is no hindrance"
    assert rotate(new, 1).json() == rotated.json(), "a client repeats what got no answer"
    assert is_accepted(service.url, old.secret)
    wait_until(lambda: new.activate(service.url).is_success)
    wait_until(lambda: is_accepted(service.url, new.secret))
    wait_until(lambda: not is_accepted(service.url, old.secret), within=3)
    assert rotate(HolderKey(), 0).status_code == 401
    one, revoked, two = service.flow(keys.list_keys)
    assert (two.family_id, two.scopes, two.issued_by) == (one.id, one.scopes, "key:1")
    assert revoked.revoked_at is not None


def test_database_enforces_approval_by_a_second_person(service: RunningService) -> None:
    made = HolderKey()
    new = NewKey("Example", frozenset({Scope.FEED}), digest=made.digest_bytes)
    issued = service.flow(lambda store: keys.issue_key(store, new, ISSUER))
    with psycopg.connect(service.database_url, autocommit=True) as owner:
        for change in (
            "approved_at = now()",
            "approved_at = now(), approved_by = issued_by",
        ):
            with pytest.raises(psycopg.errors.CheckViolation):
                owner.execute(f"UPDATE keys SET {change} WHERE id = {issued.id}")  # type: ignore[call-overload]  # noqa: S608


def test_revoked_key_is_refused_on_every_worker_within_a_second(
    service: RunningService,
) -> None:
    issued = issue(service, Scope.MATCH)
    with serving(service.database_url) as other:
        workers = [service.url, other.url]
        for url in workers:
            wait_until(lambda url=url: is_accepted(url, issued.key))  # type: ignore[misc]
        service.flow(lambda store: keys.revoke_key(store, issued.id, ALICE))
        deadline = time.monotonic() + 1
        for url in workers:
            wait_until(lambda url=url: not is_accepted(url, issued.key), within=1)  # type: ignore[misc]
        assert time.monotonic() < deadline
    with pytest.raises(KeyNotFound):
        service.flow(lambda store: keys.revoke_key(store, issued.id, ALICE))


def test_revocation_does_not_wait_for_the_index(service: RunningService) -> None:
    class Stuck(LiveIndex):
        async def catch_up(self, _: Store) -> None:
            await asyncio.sleep(60)

    issued = issue(service, Scope.MATCH)
    live = LiveKeys(Clock())

    def known() -> bool:
        with contextlib.suppress(NotAuthenticated, StillLoading):
            return live.authenticate(issued.key, Scope.MATCH).id == issued.id
        return False

    async def until(true: Callable[[], bool]) -> None:
        while not true():
            await asyncio.sleep(0.01)

    async def run(store: Store) -> None:
        following = asyncio.create_task(Follower(store, Stuck(), [live]).run())
        await asyncio.wait_for(until(known), 5)
        await asyncio.sleep(0.1)
        await keys.revoke_key(store, issued.id, ALICE)
        await asyncio.wait_for(until(lambda: not known()), 1)
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)

    service.flow(run)


def test_key_expires_by_itself(service: RunningService) -> None:
    issued = issue(service, Scope.MATCH, lasts=timedelta(seconds=1.5))
    wait_until(lambda: is_accepted(service.url, issued.key), within=1.4)
    wait_until(lambda: not is_accepted(service.url, issued.key), within=2)
    (key,) = service.flow(keys.list_keys)
    assert key.status(datetime.now(UTC)) is KeyStatus.EXPIRED
    with pytest.raises(InvalidRequest, match="future"):
        issue(service, Scope.MATCH, lasts=timedelta(seconds=-1))


def test_database_rejects_an_unreadable_expiry_time(service: RunningService) -> None:
    """One such key would prevent every worker from loading any."""
    issue(service, Scope.MATCH)
    with (
        psycopg.connect(service.database_url, autocommit=True) as owner,
        pytest.raises(psycopg.errors.CheckViolation),
    ):
        owner.execute("UPDATE keys SET expires_at = '10000-01-01'")


def test_both_keys_work_during_the_overlap(service: RunningService) -> None:
    first_key = issue(service, Scope.MATCH, lasts=timedelta(days=30))
    second_key = service.flow(lambda store: keys.rotate_key(store, first_key.id, BOB, overlap_s=2))
    wait_until(lambda: is_accepted(service.url, second_key.key), within=1)
    assert is_accepted(service.url, first_key.key)
    with pytest.raises(InvalidRequest, match="replaces"):
        service.flow(lambda store: keys.rotate_key(store, first_key.id, BOB, overlap_s=2))
    wait_until(lambda: not is_accepted(service.url, first_key.key), within=3)
    assert is_accepted(service.url, second_key.key)
    first, second = service.flow(keys.list_keys)
    assert (second.scopes, second.note, second.family_id) == (first.scopes, first.note, first.id)
    assert second.expires_at is not None
    assert abs(second.expires_at - datetime.now(UTC) - timedelta(days=30)) < timedelta(minutes=1)
    with pytest.raises(KeyNotFound):
        service.flow(lambda store: keys.rotate_key(store, first_key.id, BOB, overlap_s=2))


def test_overlap_begins_when_the_successor_is_approved(service: RunningService) -> None:
    old = service.key("feed")
    made = HolderKey()
    new = service.flow(
        lambda store: keys.rotate_key(store, 1, ISSUER, overlap_s=1, digest=made.digest_bytes)
    )
    assert new.status is KeyStatus.UNUSED
    wait_until(lambda: made.activate(service.url).is_success)
    before, _ = service.flow(keys.list_keys)
    assert before.expires_at is None
    service.flow(lambda store: key_approval.approve_key(store, new.id, APPROVER))
    wait_until(lambda: is_accepted(service.url, made.secret))
    wait_until(lambda: not is_accepted(service.url, old), within=2.5)


def test_keys_are_managed_over_the_api(service: RunningService) -> None:
    with service.client("admin", platform="Staff") as admin:
        body = {"platform": "New", "scopes": ["match"], "note": "asked by their engineer"}
        issued = admin.post("/v1/keys", json=body)
        assert issued.status_code == 201
        assert issued.json()["status"] == "in-force"
        wait_until(lambda: is_accepted(service.url, issued.json()["key"]))
        listed = admin.get("/v1/keys").json()["keys"][-1]
        assert (listed["platform"], listed["note"]) == ("New", "asked by their engineer")
        assert listed["issued_by"].startswith("key:")
        assert issued.json()["key"] not in admin.get("/v1/keys").text
        assert admin.delete(f"/v1/keys/{listed['id']}").status_code == 204
        assert admin.delete(f"/v1/keys/{listed['id']}").status_code == 404
        for invalid in (
            {"platform": " ", "scopes": ["match"]},
            {"platform": "X", "scopes": []},
            {"platform": "X", "scopes": ["all"]},
            {"platform": "X", "scopes": ["match"], "note": "for UN-7K4M-9QTX"},
            {"platform": "X", "scopes": ["match"], "expires_at": "2001-01-01T00:00:00Z"},
            {"platform": "X", "scopes": ["match"], "expires_at": "2101-01-01T00:00:00"},
            {"platform": "X", "scopes": ["match"], "expires_at": "9999-12-31T23:59:59-23:59"},
        ):
            assert admin.post("/v1/keys", json=invalid).status_code == 422, invalid
    with service.client("audit") as auditor:
        assert auditor.get("/v1/keys").status_code == 403


def test_look_alike_platform_names_are_refused(service: RunningService) -> None:
    def named(platform: str) -> str:
        new = NewKey(platform, frozenset({Scope.MATCH}))
        issued = service.flow(lambda store: keys.issue_key(store, new, ALICE))
        return {key.id: key.platform for key in service.flow(keys.list_keys)}[issued.id]

    assert named("Café  Example") == named("Cafe\u0301 Example\N{NO-BREAK SPACE}")
    assert named("Ｆｏｒｕｍ") == named("Forum")  # noqa: RUF001
    assert named("Форум") == "Форум", "a name entirely in one script is accepted"
    assert named("写真 Forum") == "写真 Forum"
    for look_alike in (
        "F\N{CYRILLIC SMALL LETTER O}rum",
        "F\N{GREEK SMALL LETTER OMICRON}rum",
        "Forum\N{HANGUL FILLER}",
        "Forum\N{BRAILLE PATTERN BLANK}",
        "Forum\N{ZERO WIDTH SPACE}",
        "Forum\N{RIGHT-TO-LEFT OVERRIDE}",
        "forum",
        "Forum\r\nX-Header: 1",
    ):
        with pytest.raises(InvalidRequest):
            named(look_alike)
    with service.client("admin", platform="Staff") as admin:
        refused = admin.post("/v1/keys", json={"platform": "FORUM", "scopes": ["match"]})
        assert (refused.status_code, refused.json()["errors"][0]["at"]) == (422, "platform")


def test_key_appears_in_no_log_and_no_error(
    service: RunningService, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    # uvicorn's loggers do not propagate by default.
    monkeypatch.setattr("uvicorn.server.logger.parent.propagate", True)
    issued = issue(service, Scope.MATCH)
    wait_until(lambda: is_accepted(service.url, issued.key))
    headers = {"Authorization": f"Bearer {issued.key}", "Unseen-Reason": issued.key}
    answers = [
        httpx.request(method, service.url + path, headers=headers, json=body)
        for method, path, body in (
            ("GET", "/v1/audit", None),
            ("GET", f"/v1/{issued.key}", None),
            ("GET", f"/v1/audit/proof/inclusion?position={issued.key}", None),
            ("POST", "/v1/match", {"hashes": [issued.key]}),
            ("POST", "/v1/match", {"hashes": [random_pdq(1)], issued.key: 1}),
            ("DELETE", f"/v1/keys/{issued.key}", None),
        )
    ]
    with service.client("admin") as admin:
        answers.append(admin.delete(f"/v1/keys/{issued.key}"))
        answers.append(admin.post("/v1/keys", json={"platform": "X", "scopes": [issued.key]}))
    assert all(answer.is_error for answer in answers)
    for answer in answers:
        assert issued.key not in answer.text
    logged = [
        each.getMessage()
        for each in caplog.records
        if not each.name.startswith(("httpx", "httpcore"))  # the client's own
    ]
    assert not [each for each in logged if issued.key in each]
    assert issued.key not in repr(issued)
    with psycopg.connect(service.database_url) as owner:
        rows = owner.execute("SELECT keys::text FROM keys").fetchall()
    assert rows
    assert not any(issued.key in row for (row,) in rows)
