"""State that no audit entry explains is found: whatever the database's owner changes by SQL.

The attacks are executed as the owner of the tables, once with the triggers that note changes and
once without them.
"""

import asyncio
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from psycopg.rows import dict_row
from unseen_service.errors import StateUnexplained
from unseen_service.models.audit import AuditEntry, AuditEvent, AuditKind
from unseen_service.store import Store, audit, reconciliation
from unseen_service.store.connection import TimedConnection
from unseen_service.store.sql import SQL
from unseen_service.tlog.chain import GENESIS, canonical, entry_digest, grow_tree
from unseen_service.usecases import audit_log, benign_hashes, key_limits

from tests.support.cli import run
from tests.support.databases import fresh_database, query
from tests.support.hashes import flipped, random_pdq
from tests.support.running_service import RunningService, serving
from tests.support.submissions import PIN_HEADERS, submission, submit

MIGRATIONS = files("unseen_service.store").joinpath("migrations")


def verify(service: RunningService) -> None:
    service.flow(audit_log.verify_audit)


@pytest.fixture(scope="module")
def story(postgres: str) -> Iterator[RunningService]:
    """A service in which everything that entries commit to has happened."""
    with fresh_database(postgres) as url, serving(url) as service:
        _tell(service)
        yield service


def _tell(service: RunningService) -> None:
    cases = []
    for seed in range(4):
        sent = submission(random_pdq(seed))
        cases.append(httpx.post(f"{service.url}/v1/cases", json=sent).json()["case"])
    service.wait_in_step()
    with service.client("match", "feedback", platform="Finder") as platform:
        hashes = [random_pdq(seed) for seed in range(4)]
        hits = platform.post("/v1/match", json={"hashes": hashes}).json()["hits"]
        records = [hit["record"] for hit in hits]
        opinion = {"feedback": [{"record": records[1], "value": "not-intimate"}]}
        platform.post("/v1/feedback", json=opinion).raise_for_status()
    with service.client("match", "feedback", "feed", platform="Second") as platform:
        platform.post("/v1/match", json={"hashes": hashes}).raise_for_status()
        platform.get("/v1/hashes?wait=0").raise_for_status()
        platform.post("/v1/feedback", json=opinion).raise_for_status()
        hook = {"url": "https://192.0.2.1/hook"}
        platform.post("/v1/webhooks", json=hook)
        address = f"{service.url}/v1/cases/{cases[0]}"
        httpx.delete(address, headers=PIN_HEADERS).raise_for_status()
        platform.get("/v1/hashes?wait=0").raise_for_status()
        platform.post("/v1/withdrawals", json={"records": [records[0]]}).raise_for_status()
    with service.client("audit", "admin", platform="Staff") as staff:
        decision = {"decision": "keep", "instead_of": None}
        staff.post(f"/v1/review/{records[1]}", json=decision).raise_for_status()
        proposal = {"decision": "remove", "instead_of": "keep"}
        staff.post(f"/v1/review/{records[1]}", json=proposal).raise_for_status()
    service.flow(lambda store: benign_hashes.add_benign(store, [bytes.fromhex(random_pdq(9))], ""))
    twice = [bytes.fromhex(random_pdq(seed)) for seed in (10, 11)]
    added = service.flow(lambda store: benign_hashes.add_benign(store, twice, ""))
    query(
        service.database_url,
        "CREATE SCHEMA attacker; CREATE TABLE attacker.benign_hashes AS TABLE benign_hashes",
    )
    service.flow(lambda store: benign_hashes.remove_benign(store, added))
    service.flow(lambda store: key_limits.limit_key(store, 1, requests=100))


def _forged_entry(position_and_kind: str) -> str:
    return f"""
        INSERT INTO platforms (name) VALUES ('Other');
        INSERT INTO state_salts VALUES (1000000, sha256('x'));
        INSERT INTO state_digests
        SELECT 1000000, 'platform', id, 0, sha256(convert_to(
            jsonb_build_array(name, extract(epoch FROM created_at))::text, 'UTF8'))
        FROM platforms WHERE name = 'Other';
        ALTER TABLE audit_log ALTER kind DROP NOT NULL;
        INSERT INTO audit_log (position, kind, at, actor, details, digest, nodes)
        SELECT {position_and_kind}, now(), 'x', jsonb_build_object('state', jsonb_build_object(
            'set', change_set, 'sha256', encode(sha256(salt || convert_to(
                concat_ws(' ', kind, id, sub, encode(digest, 'hex')) || E'\\n', 'UTF8')),
                'base64'))),
            sha256(''), sha256('')
        FROM state_digests JOIN state_salts USING (change_set) WHERE change_set = 1000000"""  # noqa: S608


ATTACKS = {
    "case references swapped": """
        CREATE TEMP TABLE refs ON COMMIT DROP AS SELECT id, audit_ref FROM cases;
        UPDATE cases SET audit_ref = gen_random_uuid() WHERE id IN (1, 2);
        UPDATE cases SET audit_ref = refs.audit_ref FROM refs
        WHERE cases.id IN (1, 2) AND refs.id = 3 - cases.id""",
    "case number changed": "UPDATE cases SET number = 'UN-AAAA-AAAA' WHERE id = 2",
    "case put in": "INSERT INTO cases (number, pin_salt, pin_digest) VALUES ('X', '', '')",
    "image of another case": "UPDATE images SET case_id = 1, number = 2 WHERE id = 2",
    "image's hash exchanged": "UPDATE image_hashes SET hash_id = 4 WHERE image_id = 2",
    "image withdrawn": "UPDATE images SET withdrawn_at = now() WHERE id = 2",
    "hash switched off": "UPDATE hashes SET active = false, gone_at = now() WHERE id = 3",
    "hash switched on again": "UPDATE hashes SET active = true, gone_at = NULL WHERE id = 1",
    "hash quarantined": "UPDATE hashes SET standing = 'quarantined' WHERE id = 3",
    "hash put in": "INSERT INTO hashes (pdq, active) VALUES (sha256('x'), true)",
    "bits erased": """
        UPDATE hashes SET pdq = NULL, lookup_tag = NULL, key_version = NULL,
            active = false, gone_at = now() WHERE id = 1""",
    "record exchanged": "UPDATE hashes SET record = gen_random_uuid() WHERE id = 3",
    "change put in": """
        WITH h AS (UPDATE change_head SET position = position + 1 RETURNING position)
        INSERT INTO changes SELECT position, 'add', 1, now() FROM h""",
    "change put in beyond the head": "INSERT INTO changes VALUES (99, 'add', 1, now())",
    "change rewritten": "UPDATE changes SET kind = 'remove' WHERE position = 2",
    "change head moved": "UPDATE change_head SET position = position + 1",
    "feed key approved": """
        UPDATE keys SET approved_at = now(), approved_by = 'x', scopes = '{feed}' WHERE id = 1""",
    "key put in": """
        INSERT INTO keys (platform_id, digest, scopes, approved_at)
        VALUES (1, sha256('x'), '{feed}', now())""",
    "key's secret exchanged": "UPDATE keys SET digest = sha256('x') WHERE id = 2",
    "key revived": "UPDATE keys SET expires_at = now() + interval '1 year' WHERE id = 1",
    "platform renamed": "UPDATE platforms SET name = 'Other' WHERE id = 1",
    "platform put in": "INSERT INTO platforms (name) VALUES ('Other')",
    "limits changed": "UPDATE key_limits SET requests_per_minute = 0",
    "limits put in": "INSERT INTO key_limits (line, requests_per_minute) VALUES (2, 0)",
    "key made by its issuer passed off as its holder's": """
        UPDATE keys SET made_by_holder = NOT made_by_holder WHERE id = 1""",
    "key passed off as used": "UPDATE keys SET used_at = now() WHERE id = 1",
    "case begun later": "UPDATE cases SET opened_after = opened_after + 1 WHERE id = 2",
    "image withdrawn at another position": "UPDATE images SET withdrawn_after = 0 WHERE id = 1",
    "hash barred as near to another": "UPDATE hashes SET barred_near = 4 WHERE id = 3",
    "proposal put in": """
        INSERT INTO proposals (hash_id, decision, proposed_by, person, why)
        SELECT hash_id, 'remove', 'x', 'x', 'x' FROM reviews ON CONFLICT (hash_id)
        DO UPDATE SET person = excluded.person""",
    "proposal deleted": "DELETE FROM proposals",
    "dispute counted": "UPDATE disputes SET counted_at = now() + interval '1 s'",
    "dispute ended": "UPDATE disputes SET ended_at = now()",
    "dispute put in": "INSERT INTO disputes VALUES (1, 4, now())",
    "feedback put into a case": """
        INSERT INTO case_feedback VALUES (1, 4, 1, 'removed', now(), now())""",
    "match passed off as suspect": """
        INSERT INTO suspect_matches SELECT audit_position, query, hash_id, platform_id, distance, at
        FROM matches; DELETE FROM matches""",
    "suspect match put in": "INSERT INTO suspect_matches VALUES (1, 0, 4, 1, 20)",
    "decision changed": "UPDATE reviews SET decision = 'remove'",
    "decision's author changed": "UPDATE reviews SET decided_by = 'staff:Other'",
    "feedback changed": "UPDATE feedback SET value = 'removed'",
    "feedback deleted": "DELETE FROM feedback WHERE platform_id = 1",
    "confirmation put in": "INSERT INTO withdrawals VALUES (2, 1, 1, now())",
    "delivery put in": "INSERT INTO deliveries VALUES (2, '[1,1]', 1, now() - interval '1 day')",
    "delivery deleted": "DELETE FROM deliveries",
    "subscription moved": "UPDATE subscriptions SET base = 3",
    "subscription deleted": "DELETE FROM deliveries; DELETE FROM subscriptions",
    "benign hash put in": "INSERT INTO benign_hashes (pdq, note) VALUES (sha256('x'), '')",
    "benign hash deleted": "DELETE FROM benign_hashes",
    "webhook put in": """
        INSERT INTO webhooks (platform_id, url, secret, events) VALUES (1, 'x', 'x', '{test}')""",
    "match deleted": "DELETE FROM matches WHERE hash_id = 3 AND platform_id = 1",
    "matches deleted": "DELETE FROM matches",
    "match put in": """
        INSERT INTO matches SELECT audit_position, query, 4, platform_id, distance, now(), 1
        FROM matches WHERE hash_id = 3 LIMIT 1""",
    "match's distance changed": "UPDATE matches SET distance = distance + 1",
    "match's platform changed": "UPDATE matches SET platform_id = 3 - platform_id",
    "commitments deleted": "DELETE FROM state_digests",
    "salts deleted": "DELETE FROM state_salts",
    "digests rewritten with the state": """
        UPDATE platforms SET name = 'Other' WHERE id = 1;
        UPDATE state_digests SET digest = sha256(convert_to(
            (SELECT jsonb_build_array(name, extract(epoch FROM created_at))::text
             FROM platforms WHERE id = 1), 'UTF8')) WHERE kind = 'platform' AND id = 1""",
    "lines moved into the salt": """
        CREATE TEMP TABLE moved ON COMMIT DROP AS
        SELECT change_set, string_agg(
            concat_ws(' ', kind, id, sub, encode(digest, 'hex')) || E'\\n', ''
            ORDER BY kind, id, sub) AS lines
        FROM state_digests WHERE kind <> 'positions' AND change_set =
            (SELECT max(change_set) FROM state_digests WHERE kind = 'case' AND id = 1)
        GROUP BY change_set;
        ALTER TABLE state_salts DROP CONSTRAINT state_salts_salt_check;
        UPDATE state_salts SET salt = salt || convert_to(lines, 'UTF8')
        FROM moved WHERE state_salts.change_set = moved.change_set;
        DELETE FROM state_digests USING moved
        WHERE state_digests.change_set = moved.change_set AND kind <> 'positions';
        UPDATE cases SET withdrawn_at = NULL WHERE id = 1;
        UPDATE images SET withdrawn_at = NULL, withdrawn_after = NULL WHERE case_id = 1;
        UPDATE hashes SET active = true, gone_at = NULL WHERE id = 1""",
    "two lines joined in the name of a kind": """
        CREATE TEMP TABLE removed ON COMMIT DROP AS
        SELECT change_set, min(id) AS one, max(id) AS two
        FROM state_digests WHERE kind = 'benign' AND digest IS NULL GROUP BY change_set;
        DELETE FROM state_digests USING removed
        WHERE state_digests.change_set = removed.change_set AND id = one;
        UPDATE state_digests SET kind = format(E'benign %s 0 -\\nbenign', one)
        FROM removed WHERE state_digests.change_set = removed.change_set AND id = two;
        INSERT INTO benign_hashes OVERRIDING SYSTEM VALUE
        SELECT kept.* FROM attacker.benign_hashes AS kept, removed WHERE id IN (one, two)""",
    "an entry before the first": _forged_entry("0, 'log.baseline'"),
    "an entry without a kind": _forged_entry("1000000, NULL"),
    "a view in place of a table": """
        ALTER TABLE platforms RENAME TO those; CREATE VIEW platforms AS SELECT * FROM those""",
    "encryption passed off as incomplete": "UPDATE encryption SET completed = false",
    "encryption passed off as never begun": """
        UPDATE encryption SET version = NULL, completed = false""",
    "key of hashes put in": "INSERT INTO encryption_keys VALUES (2, '0123456789abcdef')",
    "a note of the change left for the next entry": """
        UPDATE keys SET digest = sha256('x') WHERE id = 2;
        UPDATE state_noted SET position = NULL""",
}


def test_service_explains_all_of_its_state(story: RunningService) -> None:
    verify(story)
    left = query(story.database_url, "SELECT kind, id FROM state_noted")
    assert left == [], "a transaction changed state without an entry"
    kinds = {row[0] for row in query(story.database_url, "SELECT kind FROM state_digests")}
    told = {"case", "image", "hash", "positions", "platform", "key", "limits", "review"}
    assert kinds >= told | {"feedback", "confirmation", "subscription", "delivery", "benign"}


@pytest.mark.parametrize("with_triggers", [True, False], ids=["noted", "unnoted"])
@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
def test_state_changed_by_sql_is_found(
    story: RunningService, attack: str, with_triggers: bool
) -> None:
    assert unexplained_after(story.database_url, attack, with_triggers=with_triggers) is not None


def test_every_table_that_entries_commit_to_is_checked_for_a_view(story: RunningService) -> None:
    committed_to = query(
        story.database_url,
        "SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger"
        " WHERE tgname ~ '^note_(insert|update|delete)$'",
    )
    for (table,) in committed_to:
        assert f"'{table}'".encode() in SQL["replaced_table"]


def test_suspect_matches_are_those_that_entries_list(service: RunningService) -> None:
    submit(service, random_pdq(1))
    service.wait_in_step()
    query(
        service.database_url,
        "INSERT INTO reviews (hash_id, cause, evidence, before)"
        " SELECT id, 'over-matching', '{}', 'unreviewed' FROM hashes",
    )
    with service.client("match", platform="Finder") as platform:
        near = {"hashes": [flipped(random_pdq(1), 20)]}
        (hit,) = platform.post("/v1/match", json=near).json()["hits"]
    assert hit["suspect"] is True
    query(service.database_url, "DELETE FROM reviews; DELETE FROM state_noted")
    verify(service)
    query(service.database_url, "DELETE FROM suspect_matches")
    with pytest.raises(StateUnexplained, match="a match of record"):
        verify(service)


def test_later_entries_do_not_cover_up_a_change_by_sql(database_url: str) -> None:
    with serving(database_url) as service:
        case = submit(service, random_pdq(1))["case"]
        service.client("match").close()
        query(database_url, "UPDATE keys SET scopes = '{feed}' WHERE id = 1")
        with service.client("audit", "admin", platform="Staff") as staff:
            staff.get("/v1/keys").raise_for_status()
        withdrawn = httpx.delete(f"{service.url}/v1/cases/{case}", headers=PIN_HEADERS)
        assert withdrawn.is_success
        with pytest.raises(StateUnexplained, match="key 1: it differs from what audit entry 5"):
            verify(service)
        (run,) = service.audit_details("audit.verified")
        assert (run["fits"], run["unexplained"]) == (False, "key 1")
        query(database_url, "UPDATE keys SET scopes = '{match}' WHERE id = 1")
        verify(service)


def test_command_reports_the_first_unexplained_state(database_url: str, tmp_path: Path) -> None:
    settings = {"DATABASE_URL": database_url, "UNSEEN_DATA": str(tmp_path)}
    assert run("keys", "issue", "Example", "--scope", "match", **settings).returncode == 0
    assert run("audit", "checkpoint", **settings).returncode == 0
    assert run("audit", "verify", **settings).returncode == 0
    query(database_url, "UPDATE platforms SET name = 'Other'")
    failed = run("audit", "verify", **settings)
    assert failed.returncode == 1
    assert "platform 1: it differs from what audit entry 3" in failed.stderr


def test_state_from_before_commitments_is_vouched_for_once(database_url: str) -> None:
    """As after an upgrade: tests/flow/test_upgrade.py does it with the previous release."""
    with serving(database_url) as service:
        for seed in range(3):
            submit(service, random_pdq(seed))
        service.client("match").close()
    entries = "SELECT details FROM audit_log WHERE kind = 'log.baseline' ORDER BY position"
    with psycopg.connect(database_url) as owner:
        owner.execute("SET session_replication_role = replica")
        owner.execute("TRUNCATE state_digests, state_salts")
        owner.execute("UPDATE audit_log SET details = details - 'state'")
        _forget_digests(owner)
        migration = (MIGRATIONS / "0090_commitments.sql").read_text()
        owner.execute("INSERT INTO state_baseline" + migration.rpartition("state_baseline")[2])
        # Version 0.1 has none of it: there, commitments begin before encryption does.
        owner.execute("INSERT INTO state_baseline VALUES ('encryption', 0, 1)")
    service.flow(audit_log.verify_audit)
    found = [row[0] for row in query(database_url, entries)]
    assert {each["part"]: each["objects"] for each in found} == {
        "case": 3, "encryption": 1, "hash": 3, "image": 3, "key": 1, "platform": 1, "positions": 1
    }  # fmt: skip
    service.flow(audit_log.verify_audit)
    assert len(query(database_url, entries)) == len(found)
    query(database_url, "UPDATE hashes SET active = false WHERE id = 2")
    with pytest.raises(StateUnexplained, match="hash 2"):
        service.flow(audit_log.verify_audit)


def _forget_digests(owner: psycopg.Connection) -> None:
    """Make the log consistent again after its entries were changed."""
    rows = owner.execute(
        "SELECT position, at, kind, actor, subject, details, digest, nodes FROM audit_log"
        " ORDER BY position"
    ).fetchall()
    digest, peaks = GENESIS, b""
    for row in rows:
        content = canonical(AuditEntry(*row))
        digest = entry_digest(digest, content)
        peaks, nodes = grow_tree(row[0] - 1, peaks, content)
        owner.execute(
            "UPDATE audit_log SET digest = %s, nodes = %s WHERE position = %s",
            (digest, nodes, row[0]),
        )
    owner.execute("UPDATE audit_head SET digest = %s, peaks = %s", (digest, peaks))


def test_report_names_what_was_only_vouched_for(database_url: str, tmp_path: Path) -> None:
    """Whoever makes their change look like an older version's leaves an entry that says so."""
    settings = {"DATABASE_URL": database_url, "UNSEEN_DATA": str(tmp_path)}
    assert run("keys", "issue", "Example", "--scope", "match", **settings).returncode == 0
    assert run("audit", "checkpoint", **settings).returncode == 0
    assert "vouched" not in run("audit", "verify", **settings).stdout
    query(database_url, "UPDATE platforms SET name = 'Other'")
    query(database_url, "INSERT INTO state_noted VALUES (1000000, 'platform', 1, 0, 1)")
    report = run("audit", "verify", **settings).stdout
    assert "1 objects were vouched for as they were found" in report


def test_what_an_older_version_changes_is_vouched_for(database_url: str) -> None:
    """An older version appends entries that claim nothing, and triggers note what it changed."""

    async def as_older_version(store: Store) -> None:
        async with store.transaction() as tx:
            await tx.execute("UPDATE keys SET note = 'changed' WHERE id = 1")
            event = AuditEvent(AuditKind.KEY_REVOKED, "operator", None, {"key": 1})
            await audit.append(tx, event, await audit.lock(tx))

    with serving(database_url) as service:
        service.client("match").close()
        service.flow(as_older_version)
        verify(service)
        (details,) = service.audit_details("log.baseline")
        assert (details["part"], details["objects"]) == ("older version", 1)
        assert details["entries"] == [5, 5]
        query(database_url, "UPDATE keys SET note = 'again' WHERE id = 1")
        with pytest.raises(StateUnexplained, match="key 1"):
            verify(service)


def unexplained_after(url: str, attack: str, *, with_triggers: bool) -> Any:
    """Return what is found after an attack, which is rolled back."""

    async def run() -> Any:
        tx = await TimedConnection.connect(url, row_factory=dict_row)
        async with tx, tx.transaction(force_rollback=True):
            assert await reconciliation.find_unexplained(tx) is None
            if not with_triggers:
                await tx.execute("SET session_replication_role = replica")
            await tx.execute(attack.encode())
            return await reconciliation.find_unexplained(tx)

    return asyncio.run(run())
