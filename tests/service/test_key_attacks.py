"""Attacks of insiders on keys: one person who wants to be two, or to be someone else."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import psycopg
import pytest
from unseen_service import credentials
from unseen_service.models.keys import NewKey, Scope
from unseen_service.store import Store
from unseen_service.usecases import actors, key_approval, key_holders, keys

from tests.support.cli import run
from tests.support.holder_keys import HolderKey
from tests.support.running_service import RunningService
from tests.support.waiting import PATIENCE_S, wait_until

SENSITIVE = ["feed", "submit", "audit", "admin"]


@dataclass
class Admin:
    """An admin with a key that they made themselves, at a service."""

    url: str
    key: HolderKey

    def post(self, path: str, **body: object) -> httpx.Response:
        url, headers = f"{self.url}{path}", self.key.headers
        return httpx.post(url, json=body, headers=headers, timeout=PATIENCE_S)

    def register(self, made: HolderKey, platform: str, *scopes: str, **more: object) -> int:
        answer = self.post("/v1/keys", **made.body(platform, *scopes, **more))
        assert answer.status_code == 201, answer.text
        assert answer.json()["key"] is None
        return int(answer.json()["id"])

    def approve(self, key_id: int) -> httpx.Response:
        return self.post(f"/v1/keys/{key_id}/approve")

    def keys(self) -> dict[int, dict[str, object]]:
        answer = httpx.get(f"{self.url}/v1/keys", headers=self.key.headers, timeout=PATIENCE_S)
        return {each["id"]: each for each in answer.json()["keys"]}


def settle(admin: Admin, made: HolderKey, status: str = "in-force") -> None:
    """Wait until the worker knows a key with this status: it follows the database."""
    wait_until(lambda: own(admin.url, made).get("status") == status)


def own(url: str, made: HolderKey) -> dict[str, object]:
    answer = httpx.get(f"{url}/v1/keys/self", headers=made.headers, timeout=PATIENCE_S)
    return dict(answer.json())


def activated(admin: Admin, made: HolderKey) -> None:
    """Activate a key as soon as the worker knows it, and wait until it knows that too."""
    settle(admin, made, "unused")
    answer = made.activate(admin.url)
    assert answer.status_code == 200, answer.text
    wait_until(lambda: own(admin.url, made)["status"] != "unused")


@pytest.fixture
def admins(service: RunningService) -> tuple[Admin, Admin]:
    """Mallory and an honest admin, created together."""
    mallory, honest = (Admin(service.url, HolderKey()) for _ in range(2))
    pair = {"Mallory": mallory.key, "Honest": honest.key}
    service.flow(lambda store: bootstrap(store, pair))
    for each in mallory, honest:
        activated(each, each.key)
    settle(mallory, mallory.key)
    return mallory, honest


async def bootstrap(store: Store, pair: dict[str, HolderKey]) -> None:
    one, two = (key_approval.first_admin(name, pair[name].digest_bytes) for name in pair)
    await key_approval.bootstrap_admins(store, (one, two), actors.OPERATOR)


@pytest.mark.parametrize("scope", SENSITIVE)
def test_issuer_cannot_learn_the_secret_of_a_sensitive_key(
    admins: tuple[Admin, Admin], scope: str
) -> None:
    mallory, _ = admins
    refused = mallory.post("/v1/keys", platform="Second", scopes=["match", scope])
    assert (refused.status_code, refused.json()["errors"][0]["at"]) == (422, "digest")
    assert "'unseen key new'" in refused.json()["detail"]
    made = HolderKey()
    key_id = mallory.register(made, "Second", "match", scope)
    listed = mallory.keys()[key_id]
    assert (listed["status"], listed["fingerprint"]) == ("unused", made.fingerprint)
    refused = mallory.post(f"/v1/keys/{key_id}/rotate", overlap_s=0)
    assert refused.status_code == 404, "it is not active"


@pytest.mark.parametrize("scope", SENSITIVE)
def test_one_admin_alone_cannot_activate_a_sensitive_key(
    admins: tuple[Admin, Admin], scope: str
) -> None:
    mallory, honest = admins
    made = HolderKey()
    key_id = mallory.register(made, "Another name", scope)
    assert mallory.approve(key_id).status_code == 404, "nobody has used it"
    activated(mallory, made)
    assert mallory.approve(key_id).json()["type"] == "urn:unseen:problem:second-person-needed"
    assert own(mallory.url, made)["status"] == "pending"
    for path in "/v1/hashes", "/v1/keys", "/v1/audit", "/v1/webhooks":
        answer = httpx.get(mallory.url + path, headers=made.headers, timeout=PATIENCE_S)
        assert answer.json()["type"] == "urn:unseen:problem:key-inactive", path
    assert honest.approve(key_id).status_code == 204


def test_unused_key_cannot_be_approved(admins: tuple[Admin, Admin]) -> None:
    """Nobody has the secret of a digest with a typo, and nobody would notice."""
    mallory, honest = admins
    key_id = mallory.register(HolderKey(), "Platform", "feed")
    refused = honest.approve(key_id)
    assert refused.status_code == 404
    assert "unseen key activate" in refused.json()["detail"]


def test_key_issued_with_a_stolen_key_ends_with_it(admins: tuple[Admin, Admin]) -> None:
    """Revoking the stolen key left what it had issued, for another person to approve."""
    stolen, honest = admins
    made = HolderKey()
    key_id = stolen.register(made, "Thief", "feed")
    activated(stolen, made)
    own_id = next(key for key, each in honest.keys().items() if each["platform"] == "Mallory")
    address = f"{honest.url}/v1/keys/{own_id}"
    httpx.delete(address, headers=honest.key.headers).raise_for_status()
    refused = honest.approve(key_id)
    assert refused.status_code == 409, refused.text
    assert "were revoked since" in refused.json()["detail"]


def test_admin_cannot_act_as_a_person_that_they_brought_in(admins: tuple[Admin, Admin]) -> None:
    """Even if an honest admin was told that the second person exists, nor a third behind it."""
    mallory, honest = admins
    second, third = Admin(mallory.url, HolderKey()), Admin(mallory.url, HolderKey())
    second_id = mallory.register(second.key, "Second", "admin")
    activated(mallory, second.key)
    assert honest.approve(second_id).status_code == 204
    settle(mallory, second.key)
    third_id = second.register(third.key, "Third", "admin")
    activated(mallory, third.key)
    assert second.approve(third_id).status_code == 409, "its issuer"
    assert honest.approve(third_id).status_code == 204
    settle(mallory, third.key)
    feed = HolderKey()
    feed_id = mallory.register(feed, "Own platform", "feed")
    activated(mallory, feed)
    for person in second, third:
        refused = person.approve(feed_id)
        assert refused.status_code == 409
        assert "issued or approved by the person who issued this one" in refused.json()["detail"]
    assert own(mallory.url, feed)["status"] == "pending"


def test_admin_cannot_approve_with_another_key_of_theirs(admins: tuple[Admin, Admin]) -> None:
    mallory, honest = admins
    feed = HolderKey()
    feed_id = mallory.register(feed, "Own platform", "feed")
    activated(mallory, feed)
    successor = Admin(mallory.url, HolderKey())
    rotated = mallory.post("/v1/keys/self/rotate", digest=successor.key.digest, overlap_s=3600)
    assert rotated.status_code == 201, rotated.text
    activated(mallory, successor.key)
    settle(mallory, successor.key)
    assert successor.approve(feed_id).status_code == 409, "one family is one person"
    # Honest issues her a second key. Of one platform, they are one person.
    spare = Admin(mallory.url, HolderKey())
    spare_id = honest.register(spare.key, "Mallory", "admin")
    activated(mallory, spare.key)
    assert mallory.approve(spare_id).status_code == 409, "she holds it"
    assert successor.approve(spare_id).status_code == 409
    assert own(mallory.url, spare.key)["status"] == "pending"


def test_two_keys_of_one_platform_are_one_person(
    service: RunningService, admins: tuple[Admin, Admin]
) -> None:
    mallory, _ = admins
    colleague = Admin(service.url, HolderKey(service.key("admin", platform="Mallory")))
    for issuer, approver in (mallory, colleague), (colleague, mallory):
        made = HolderKey()
        key_id = issuer.register(made, "Own platform", "feed")
        activated(mallory, made)
        assert approver.approve(key_id).status_code == 409


def test_auditor_cannot_be_named_as_actor_by_an_admin(
    service: RunningService, admins: tuple[Admin, Admin]
) -> None:
    mallory, honest = admins
    auditor = HolderKey(service.key("audit", platform="Auditor"))
    auditor_id = int(str(own(service.url, auditor)["id"]))
    refused = mallory.post(f"/v1/keys/{auditor_id}/rotate", overlap_s=0)
    assert (refused.status_code, refused.json()["errors"][0]["at"]) == (422, "digest")

    forged = HolderKey()
    body = {"digest": forged.digest, "overlap_s": 0}
    rotated = mallory.post(f"/v1/keys/{auditor_id}/rotate", **body)
    assert (rotated.status_code, rotated.json()["status"]) == (201, "unused")
    activated(mallory, forged)
    assert mallory.approve(rotated.json()["id"]).status_code == 409
    another = HolderKey()
    mallory.register(another, "Auditor", "audit")
    activated(mallory, another)
    for key in forged, another:
        read = httpx.get(f"{service.url}/v1/audit", headers=key.headers, timeout=PATIENCE_S)
        assert read.json()["type"] == "urn:unseen:problem:key-inactive"
    read = httpx.get(f"{service.url}/v1/audit", headers=auditor.headers, timeout=PATIENCE_S)
    entries = read.json()["entries"]
    named = [each["kind"] for each in entries if "Auditor" in each["actor"]]
    assert named == ["audit.read"], "not even for the activation of the keys that wait"
    # A successor that someone else registered does not keep the holder from their own.
    mine = HolderKey()
    replaced = httpx.post(
        f"{service.url}/v1/keys/self/rotate",
        json={"digest": mine.digest}, headers=auditor.headers, timeout=PATIENCE_S,
    )  # fmt: skip
    assert replaced.status_code == 201
    assert honest.keys()[rotated.json()["id"]]["status"] == "revoked"


def test_rotating_ones_own_key_does_not_prolong_it(service: RunningService) -> None:
    """Two persons decided until when it opens the feed."""
    lasts = datetime.now(UTC) + timedelta(days=3)
    made, successor = HolderKey(), HolderKey()
    new = NewKey("P", frozenset({Scope.FEED}), expires_at=lasts, digest=made.digest_bytes)
    admin = Admin(service.url, HolderKey(service.key("admin", platform="One")))
    other = Admin(service.url, HolderKey(service.key("admin", platform="Two")))
    key_id = admin.register(made, "P", "feed", expires_at=lasts.isoformat())
    assert new.expires_at == lasts
    activated(admin, made)
    assert other.approve(key_id).status_code == 204
    settle(admin, made)
    holder = Admin(service.url, made)
    assert holder.post("/v1/keys/self/rotate", digest=successor.digest).status_code == 201
    activated(admin, successor)
    settle(admin, successor)
    expiry = datetime.fromisoformat(str(own(service.url, successor)["expires_at"]))
    assert expiry == lasts


def test_digest_is_registered_once(admins: tuple[Admin, Admin]) -> None:
    mallory, honest = admins
    made = HolderKey()
    mallory.register(made, "Platform", "feed")
    for body in made.body("Other", "audit"), honest.key.body("Other", "match"):
        refused = mallory.post("/v1/keys", **body)
        assert (refused.status_code, refused.json()["errors"][0]["at"]) == (422, "digest")
    for wrong in made.secret, made.digest.upper(), made.digest[:-1], "sha256:", "":
        refused = mallory.post("/v1/keys", platform="P", scopes=["feed"], digest=wrong)
        assert refused.status_code == 422, wrong
        assert made.secret not in refused.text


def test_someone_may_know_the_secret_of_an_older_key(service: RunningService) -> None:
    """The admins of version 0.1, whose secrets one operator saw, are one person until rotated."""
    with psycopg.connect(service.database_url, autocommit=True) as owner:
        one, two = (Admin(service.url, HolderKey()) for _ in range(2))
        for admin, name in (one, "One"), (two, "Two"):
            insert_as_version_0_1(owner, admin.key, name, "admin", approved_by="operator:bob")
    wait_until(lambda: own(service.url, two.key).get("status") == "in-force")
    assert [each["secret_known_to_issuer"] for each in one.keys().values()] == [True, True]
    feed = HolderKey()
    feed_id = one.register(feed, "Platform", "feed")
    activated(one, feed)
    refused = two.approve(feed_id)
    assert refused.status_code == 409
    assert "unseen key rotate" in refused.json()["detail"]
    mine = Admin(service.url, HolderKey())
    assert two.post("/v1/keys/self/rotate", digest=mine.key.digest, overlap_s=0).is_success
    activated(one, mine.key)
    settle(one, mine.key)
    refused = mine.approve(feed_id)
    assert refused.status_code == 409, "while it was issued, the older key was active"
    later = HolderKey()
    later_id = one.register(later, "Platform", "feed")
    activated(one, later)
    assert mine.approve(later_id).status_code == 204


def test_pending_key_of_an_older_version_is_not_approved(service: RunningService) -> None:
    known = HolderKey()
    with psycopg.connect(service.database_url, autocommit=True) as owner:
        key_id = insert_as_version_0_1(owner, known, "Platform", "feed", approved_by=None)
    admin = Admin(service.url, HolderKey(service.key("admin")))
    refused = admin.approve(key_id)
    assert refused.status_code == 409
    assert "knows its secret" in refused.json()["detail"]


def insert_as_version_0_1(
    owner: psycopg.Connection, key: HolderKey, platform: str, scope: str, *, approved_by: str | None
) -> int:
    """Insert a key as version 0.1 did, which showed it to its issuer. Return its id."""
    row = owner.execute(
        """WITH platform AS (INSERT INTO platforms (name) VALUES (%s) RETURNING id)
        INSERT INTO keys (platform_id, digest, scopes, issued_by, needs_approval, approved_by,
            approved_at)
        SELECT id, %s, ARRAY[%s], 'operator:alice', true, %s::text,
            CASE WHEN %s::text IS NULL THEN NULL ELSE now() END
        FROM platform RETURNING id""",
        (platform, key.digest_bytes, scope, approved_by, approved_by),
    ).fetchone()
    owner.execute("NOTIFY unseen_keys")
    assert row is not None
    return int(row[0])


def test_operator_alone_is_not_two_persons(service: RunningService, tmp_path: Path) -> None:
    """On the command line anyone can call themselves alice and bob."""
    settings = {"DATABASE_URL": service.database_url, "UNSEEN_DATA": str(tmp_path)}
    issue = ("keys", "issue", "P", "--scope", "feed", "--by", "alice")
    without = run(*issue, **settings)
    assert without.returncode == 1
    assert "unseen key new" in without.stderr
    made = HolderKey()
    refused = run(*issue, "--digest", made.digest, **settings)
    assert refused.returncode == 1
    assert "two admins" in refused.stderr

    admin = Admin(service.url, HolderKey(service.key("admin", platform="One")))
    key_id = admin.register(made, "P", "feed")
    activated(admin, made)
    approve = ("keys", "approve", str(key_id))
    for name in "alice", "bob", "key:-1":
        assert run(*approve, "--by", name, **settings).returncode == 1
    file = tmp_path / "admin.key"
    file.write_text(admin.key.secret)
    file.chmod(0o600)
    own_key = run(*approve, "--key-file", str(file), **settings)
    assert own_key.returncode == 1
    assert "You issued it" in own_key.stderr
    match_key = tmp_path / "match.key"
    match_key.touch(0o600)
    match_key.write_text(service.key("match"))
    assert (
        "lacks the scope 'admin'" in run(*approve, "--key-file", str(match_key), **settings).stderr
    )
    assert own(service.url, made)["status"] == "pending"


def test_operator_cannot_add_first_admins_beside_others(
    service: RunningService, tmp_path: Path
) -> None:
    service.key("admin", platform="One")
    settings = {"DATABASE_URL": service.database_url, "UNSEEN_DATA": str(tmp_path)}
    ada, ben = HolderKey(), HolderKey()
    both = ("--admin", "Ada", ada.digest, "--admin", "Ben", ben.digest)
    refused = run("keys", "bootstrap", *both, **settings)
    assert refused.returncode == 1
    assert "admins already (key 1)" in refused.stderr
    assert run("keys", "revoke", "1", **settings).returncode == 0
    service.key("match", platform="Ben")
    assert "'Ben' has a key already" in run("keys", "bootstrap", *both, **settings).stderr


@pytest.mark.parametrize(
    "admins",
    [
        [("Ada", 0)],
        [("Ada", 0), ("Ben", 0)],
        [("Ada", 0), ("ADA", 1)],
        [("Ada", 0), ("Ben", 1), ("Cem", 2)],
    ],
)
def test_first_admins_are_two_persons(
    database_url: str, tmp_path: Path, admins: list[tuple[str, int]]
) -> None:
    digests = [HolderKey().digest for _ in range(3)]
    given = [word for name, which in admins for word in ("--admin", name, digests[which])]
    settings = {"DATABASE_URL": database_url, "UNSEEN_DATA": str(tmp_path)}
    assert run("keys", "bootstrap", *given, **settings).returncode == 1
    assert run("keys", "list", **settings).stdout == "no key was issued yet\n"


def test_one_of_the_first_admins_alone_is_not_active(
    service: RunningService, tmp_path: Path
) -> None:
    settings = {"DATABASE_URL": service.database_url, "UNSEEN_DATA": str(tmp_path)}
    ada, ben = Admin(service.url, HolderKey()), HolderKey()
    both = ("--admin", "Ada", ada.key.digest, "--admin", "Ben", ben.digest)
    assert run("keys", "bootstrap", *both, **settings).returncode == 0
    activated(ada, ada.key)
    assert own(service.url, ada.key)["status"] == "pending"
    assert ada.approve(2).status_code == 401
    assert run("keys", "revoke", "2", **settings).returncode == 0
    assert ben.activate(service.url).status_code == 401
    assert ada.key.activate(service.url).json()["status"] == "pending"
    assert run("keys", "bootstrap", *both, **settings).returncode == 1, "Ada's is still there"


def test_first_admins_may_activate_at_the_same_moment(service: RunningService) -> None:
    for _ in range(5):
        pair = {"Ada": HolderKey(), "Ben": HolderKey()}
        with ThreadPoolExecutor(2) as threads:
            service.flow(lambda store: bootstrap(store, pair))  # noqa: B023 - called at once
            used = [
                threads.submit(
                    service.flow,
                    lambda store, key=key: key_holders.activate_key(store, key.digest_bytes),
                )
                for key in pair.values()
            ]
            [each.result() for each in used]
        listed = service.flow(keys.list_keys)[-2:]
        assert [key.approved_by for key in listed] == ["bootstrap", "bootstrap"]
        for key in listed:
            service.flow(lambda store, key=key: keys.revoke_key(store, key.id))  # type: ignore[misc]


def test_fingerprint_is_too_long_to_forge() -> None:
    """Mallory would need another key with the fingerprint that an honest holder reads out."""
    made = HolderKey()
    assert len(made.fingerprint.replace("-", "")) * 5 == 100
    bits = f"{int.from_bytes(made.digest_bytes):0256b}"[:100]
    read = made.fingerprint.replace("-", "")
    assert "".join(f"{credentials.ALPHABET.index(each):05b}" for each in read) == bits
