"""A copy of the database contains no hash, and nothing that could confirm a guessed one."""

import base64
import hashlib
import json
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from unseen_service import credentials
from unseen_service.encryption import KeyFile
from unseen_service.errors import HashesAltered, HashesUnreadable, StateUnexplained
from unseen_service.store import Store, migrate, session_names
from unseen_service.usecases import audit_log, benign_hashes, encryption
from unseen_service.usecases.actors import OPERATOR

from tests.support.cli import run
from tests.support.databases import query, serving_url, unencrypted_database, unmigrated_database
from tests.support.encryption import key_file, owner_flow
from tests.support.hashes import flipped, random_pdq
from tests.support.ports import free_port
from tests.support.postgres_tools import tool
from tests.support.processes import serve_process
from tests.support.running_service import RunningService, serving
from tests.support.stored_hashes import id_of, stored_bits
from tests.support.submissions import (
    PIN,
    PIN_HEADERS,
    post_submission,
    submission,
    submit,
    withdraw,
)
from tests.support.waiting import wait_until

REPEATED = {"Idempotency-Key": "0123456789abcdef0123456789abcdef"}
PDQS = [random_pdq(n) for n in range(40)]
BENIGN = random_pdq(900)


@pytest.fixture
def clear_url(postgres: str) -> Iterator[str]:
    """A migrated, empty database that is not encrypted, as after an upgrade from 0.1."""
    with unencrypted_database(postgres) as url:
        yield url


@pytest.fixture
def unmigrated_url(postgres: str) -> Iterator[str]:
    with unmigrated_database(postgres) as url:
        yield url


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """Where the key file of this test goes: its folder exists, and the file does not."""
    folder = tmp_path / "keys"
    folder.mkdir(mode=0o700)
    return folder / "encryption.key"


def fill(service: RunningService) -> dict[str, Any]:
    """Store hashes in every way there is; return the last case."""
    service.flow(lambda store: benign_hashes.add_benign(store, [bytes.fromhex(BENIGN)], "logo"))
    post_submission(service, submission(*PDQS[:5]), **REPEATED)
    withdraw(service, submit(service, PDQS[5]))
    key = service.key("feed", "feedback", "submit")
    sent = {"hashRecords": [{"signalType": "ImagePDQ", "hashValue": PDQS[6]}]}
    headers = {"x-functions-key": key, "Ocp-Apim-Subscription-Key": key}
    address = f"{service.url}/stopncii/v1/SubmitHashes"
    httpx.post(address, json=sent, headers=headers).raise_for_status()
    case = submit(service, *PDQS[10:15])
    service.wait_in_step()
    assert found(service, PDQS[0])
    return case


def found(service: RunningService, pdq: str) -> list[str]:
    """Return the records that a lookup finds."""
    with service.client("match") as platform:
        answer = platform.post("/v1/match", json={"hashes": [flipped(pdq, 3)]})
        return [hit["record"] for hit in answer.raise_for_status().json()["hits"]]


def encrypt(url: str, key: Path) -> tuple[int, bool]:
    return owner_flow(url, key, lambda store, file: encryption.encrypt(store, file, OPERATOR))


def spellings(secret: bytes) -> list[bytes]:
    """Return how a dump could spell some bytes."""
    in_base64 = [
        base64.b64encode(bytes(shift) + secret)[(4 if shift else 0) : -4] for shift in range(3)
    ]
    return [secret, secret.hex().encode(), secret.hex().upper().encode(), *in_base64]


def dumps(url: str, folder: Path) -> list[bytes]:
    """Dump a database as text and in PostgreSQL's own formats."""
    made = []
    for form in ("plain", "custom", "tar"):
        file = folder / form
        tool("pg_dump", f"--format={form}", "--compress=0", "-f", str(file), url)
        made.append(file.read_bytes())
    return made


def secrets_of(body: dict[str, Any]) -> list[bytes]:
    """Return what would confirm a guess of what was submitted: hashes, and digests of them."""
    pdqs = [each["pdq"] for image in body["images"] for each in image["hashes"]]
    content = [
        ["pdq-srgb-full-2", [[each["pdq"], each["quality"], each["view"]] for each in hashes]]
        for hashes in (image["hashes"] for image in body["images"])
    ]
    digest = hashlib.sha256(json.dumps(content).encode()).digest()
    bits = [bytes.fromhex(each) for each in pdqs]
    return [*bits, *(hashlib.sha256(each).digest() for each in bits), digest]


def test_dump_of_a_new_service_contains_no_hash(service: RunningService, tmp_path: Path) -> None:
    fill(service)
    assert len(stored_bits(service.database_url)) == 12
    sought = [
        *secrets_of(submission(*PDQS[:5])),
        *(bytes.fromhex(each) for each in PDQS),
        bytes.fromhex(BENIGN),
    ]
    for dump in dumps(service.database_url, tmp_path):
        assert b"logo" in dump, "otherwise this proves nothing"
        assert not [each for secret in sought for each in spellings(secret) if each in dump]


def test_attack_on_a_dump_succeeds_without_encryption(clear_url: str, tmp_path: Path) -> None:
    """What the test above looks for is found where it is not kept out."""
    with serving(clear_url) as service:
        fill(service)
    plain = dumps(clear_url, tmp_path)[0]
    for secret in (*map(bytes.fromhex, PDQS[:5]), secrets_of(submission(*PDQS[:5]))[-1]):
        assert any(each in plain for each in spellings(secret))


SEALED_OR_NO_HASH = {
    ("audit_head", "digest"),
    ("audit_log", "digest"),
    ("benign_hashes", "pdq"),
    ("cases", "pin_digest"),
    ("cases", "pin_salt"),
    ("encryption_keys", "check_value"),
    ("hashes", "lookup_tag"),
    ("hashes", "pdq"),
    ("audit_head", "peaks"),
    ("audit_log", "nodes"),
    ("intake", "secret"),
    ("keys", "digest"),
    ("state_digests", "digest"),
    ("state_salts", "salt"),
    ("submissions", "key_digest"),
    ("submissions", "request_digest"),
    ("webhooks", "secret"),
}


def test_every_column_of_bytes_was_considered(database_url: str) -> None:
    """A new column of bytes has to be sealed, or be known to contain nothing of a hash."""
    columns = query(
        database_url,
        "SELECT table_name, column_name FROM information_schema.columns"
        " JOIN information_schema.tables USING (table_schema, table_name)"
        " WHERE udt_name IN ('bytea', '_bytea') AND table_schema = 'public'"
        " AND table_type = 'BASE TABLE'",
    )
    assert set(columns) == SEALED_OR_NO_HASH


def test_database_is_encrypted_while_it_serves(clear_url: str, key: Path) -> None:
    """Nothing that anyone sees changes: hits, feed, case, PIN, a repeated submission."""
    with serving(clear_url, encryption_key_file=key) as service, service.client("feed") as mirror:
        case = fill(service)
        before = found(service, PDQS[0])
        feed = mirror.get("/v1/hashes").json()["entries"]
        with looking_up(service, PDQS[0]) as lookups:
            assert encrypt(clear_url, key) == (1, True)
            wait_until(lambda: lookups.answered > 3)
        assert lookups.missed == 0
        assert mirror.get("/v1/hashes").json()["entries"] == feed
        assert found(service, PDQS[0]) == before
        again = post_submission(service, submission(*PDQS[:5]), **REPEATED)
        assert again.status_code == 200
        other = post_submission(service, submission(*PDQS[:4]), **REPEATED)
        assert other.status_code == 409
        withdraw(service, case)
        # A hash from before is the same hash afterwards.
        record = id_of(clear_url, PDQS[0], key)
        submit(service, PDQS[0], PDQS[20])
        assert id_of(clear_url, PDQS[0], key) == record
        service.flow(audit_log.verify_audit)
    assert unsealed(clear_url) == []
    assert len(stored_bits(clear_url, key)) == 13
    with serving(clear_url, encryption_key_file=key) as restarted:
        assert found(restarted, PDQS[0]) == before
    assert encrypt(clear_url, key) == (1, False), "there is nothing left to do"
    kinds = [kind for (kind,) in query(clear_url, "SELECT kind FROM audit_log")]
    assert (kinds.count("encryption.begun"), kinds.count("encryption.completed")) == (1, 1)


def unsealed(url: str) -> list[Any]:
    """Return what is in clear, of what a dump must not contain."""
    return query(
        url,
        "SELECT 'hash', id::text FROM hashes WHERE pdq IS NOT NULL AND key_version IS NULL"
        " UNION ALL SELECT 'benign', id::text FROM benign_hashes WHERE key_version IS NULL"
        " UNION ALL SELECT 'pin', number FROM cases WHERE pin_digest IS NOT NULL AND NOT pin_sealed"
        " UNION ALL SELECT 'submission', '' FROM submissions WHERE NOT request_sealed",
    )


class Lookups:
    """How many lookups were answered, and how many found nothing."""

    def __init__(self) -> None:
        self.answered = self.missed = 0


@contextmanager
def looking_up(service: RunningService, pdq: str) -> Iterator[Lookups]:
    """Look up a stored hash again and again during the block."""
    counts, over = Lookups(), threading.Event()

    def go() -> None:
        while not over.is_set():
            counts.missed += not found(service, pdq)
            counts.answered += 1

    thread = threading.Thread(target=go)
    thread.start()
    try:
        yield counts
    finally:
        over.set()
        thread.join()


class KilledError(Exception):
    """The command was killed."""


def dying_after(steps: int) -> type[Store]:
    """Return a store whose process dies after so many transactions."""
    remaining = [steps]

    class Dying(Store):
        def transaction(self) -> Any:
            remaining[0] -= 1
            if remaining[0] < 0:
                raise KilledError
            return super().transaction()

    return Dying


def encrypt_until_killed(url: str, key: Path, steps: int) -> bool:
    """Encrypt, and die after so many transactions; return whether it was completed before."""

    async def use(store: Store, file: KeyFile) -> None:
        await encryption.encrypt(store, file, OPERATOR)

    try:
        owner_flow(url, key, use, dying_after(steps))
    except KilledError:
        return False
    return True


@pytest.mark.parametrize("rotate", [False, True])
def test_interrupted_encryption_continues(
    database_url: str, clear_url: str, key: Path, monkeypatch: pytest.MonkeyPatch, rotate: bool
) -> None:
    """Wherever it was killed, all hashes are found, and none is stored twice."""
    monkeypatch.setattr("unseen_service.store.encryption._BATCH", 4)
    if rotate:
        shutil.copy(key_file(), key)
    url = database_url if rotate else clear_url
    with serving(url, encryption_key_file=key) as service:
        case = fill(service)
        if rotate:
            KeyFile(key).add_key()
        for killed in range(50):
            if encrypt_until_killed(url, key, killed):
                break
            assert found(service, PDQS[0])
            submit(service, random_pdq(100 + killed))
            again = submit(service, PDQS[0])
            assert len(found(service, PDQS[0])) == 1, "it was stored twice"
            withdraw(service, again)
        assert 5 < killed < 49
        answer = httpx.get(f"{service.url}/v1/cases/{case['case']}", headers=PIN_HEADERS)
        assert answer.status_code == 200
        service.flow(audit_log.verify_audit)
        assert unsealed(url) == []
    assert query(url, "SELECT version FROM encryption_keys") == [(2 if rotate else 1,)]
    versions = query(url, "SELECT DISTINCT key_version FROM hashes WHERE pdq IS NOT NULL")
    assert versions == query(url, "SELECT version FROM encryption_keys")
    with serving(url, encryption_key_file=key) as restarted:
        assert found(restarted, PDQS[0])


def test_key_is_replaced_under_load(database_url: str, key: Path) -> None:
    shutil.copy(key_file(), key)
    with serving(database_url, encryption_key_file=key) as service:
        fill(service)
        before = found(service, PDQS[0])
        bits = stored_bits(database_url)
        with looking_up(service, PDQS[0]) as lookups:
            KeyFile(key).add_key()
            assert encrypt(database_url, key) == (2, True)
            submit(service, PDQS[0])
        assert lookups.missed == 0
        assert found(service, PDQS[0]) == before
    assert stored_bits(database_url, key) == bits
    old = query(database_url, "SELECT DISTINCT key_version FROM hashes WHERE pdq IS NOT NULL")
    assert old == [(2,)]
    with pytest.raises(HashesUnreadable):
        stored_bits(database_url)  # with the key that was replaced


def test_older_version_is_refused_and_fails_afterwards(clear_url: str, key: Path) -> None:
    """A worker of 0.1 would write in clear, and could not read what is sealed."""
    settings = {"DATABASE_URL": clear_url, "UNSEEN_ENCRYPTION_KEY_FILE": str(key)}
    with psycopg.connect(clear_url, application_name="") as older:
        refused = run("encrypt", **settings)
        assert refused.returncode == 1
        assert f"PostgreSQL's processes {older.info.backend_pid} serve" in refused.stderr
        assert not key.exists()
    with psycopg.connect(clear_url, application_name="psql"), serving(clear_url):
        done = run("encrypt", **settings)
        assert done.returncode == 0, done.stderr
        assert "encrypted with key 1" in done.stdout
        assert "back up" in done.stdout
    role = serving_url(clear_url)
    with psycopg.connect(role) as older, pytest.raises(psycopg.errors.InsufficientPrivilege):
        older.execute("SELECT position, at FROM change_head FOR UPDATE")
    migrate(clear_url)  # grants rights again, if they are not as they should be
    with psycopg.connect(role) as older, pytest.raises(psycopg.errors.InsufficientPrivilege):
        older.execute("SELECT position FROM change_head")


def test_other_host_has_to_get_the_key_first(clear_url: str, key: Path) -> None:
    settings = {"DATABASE_URL": clear_url, "UNSEEN_ENCRYPTION_KEY_FILE": str(key)}
    elsewhere = f"{session_names.APPLICATION} elsewhere"
    with psycopg.connect(clear_url, application_name=elsewhere):
        refused = run("encrypt", **settings)
        assert refused.returncode == 1
        assert "unseen-service encrypt --prepare" in refused.stderr
        assert not key.exists()
        prepared = run("encrypt", "--prepare", **settings)
        assert prepared.returncode == 0, prepared.stderr
        assert f"copy {key} to every host" in prepared.stdout
        assert run("encrypt", **settings).returncode == 0


def test_serve_stops_without_the_key_or_with_another(clear_url: str, key: Path) -> None:
    assert encrypt(clear_url, key) == (1, True)
    settings = {"DATABASE_URL": clear_url, "UNSEEN_ENCRYPTION_KEY_FILE": str(key)}
    moved = key.with_name("moved")
    key.rename(moved)
    stopped = run("serve", "--port", str(free_port()), **settings)
    assert stopped.returncode == 1
    assert f"there is no {key}" in stopped.stderr
    assert not key.exists(), "a new key over sealed rows would lose the bank for good"
    KeyFile(key).generate()
    stopped = run("serve", "--port", str(free_port()), **settings)
    assert stopped.returncode == 1
    assert "is not the one that this database is encrypted with" in stopped.stderr
    for secret in (moved.read_text(), key.read_text()):
        assert secret.splitlines()[-1].split()[1] not in stopped.stderr


def test_worker_without_the_key_answers_from_its_index_and_accepts_nothing(
    clear_url: str, key: Path
) -> None:
    with serving(clear_url, encryption_key_file=key) as service:
        submit(service, PDQS[0])
        service.wait_in_step()
        assert found(service, PDQS[0])
        encrypt(clear_url, key)
        with serving(
            clear_url, encryption_key_file=key.with_name("none"), until_ready=False
        ) as blind:
            answer = post_submission(blind, submission(PDQS[1]))
            assert answer.status_code == 503
            assert "there is no" not in answer.text
            assert httpx.get(f"{blind.url}/readyz").status_code == 503
        submit(service, PDQS[1])
        service.wait_in_step()
        assert found(service, PDQS[1])


def test_new_database_is_encrypted_unless_that_is_turned_off(
    data_directory: Path, tmp_path: Path
) -> None:
    """With the default file, and no key given beforehand."""
    by_default = ("env", "-u", "UNSEEN_ENCRYPTION_KEY_FILE")
    with serve_process(data_directory, prefix=by_default) as service:
        assert httpx.post(f"{service.url}/v1/cases", json=submission(PDQS[0])).is_success
    key = data_directory / "encryption.key"
    assert key.stat().st_mode & 0o777 == 0o600
    held = b"".join(each.read_bytes() for each in _files(data_directory / "postgres-18"))
    assert not [each for each in spellings(bytes.fromhex(PDQS[0])) if each in held]


def _files(folder: Path) -> Iterator[Path]:
    return (each for each in folder.rglob("*") if each.is_file())


def test_hashes_in_clear_are_a_setting(unmigrated_url: str, key: Path) -> None:
    settings = {
        "DATABASE_URL": unmigrated_url,
        "UNSEEN_ENCRYPTION_KEY_FILE": str(key),
        "UNSEEN_DUMPS_CONTAIN_HASHES": "1",
    }
    done = run("migrate", **settings)
    assert done.returncode == 0, done.stderr
    assert query(unmigrated_url, "SELECT version FROM encryption") == [(None,)]
    assert not key.exists()
    with serving(unmigrated_url) as service:
        submit(service, PDQS[0])
        assert found(service, PDQS[0])
    assert "not encrypted" not in run("migrate", **settings).stderr
    del settings["UNSEEN_DUMPS_CONTAIN_HASHES"]
    assert "run 'unseen-service encrypt'" in run("migrate", **settings).stderr


ALTERED = {
    "bits of another hash": """
        UPDATE hashes SET pdq = (SELECT pdq FROM hashes WHERE id = 2) WHERE id = 1""",
    "a bit flipped": """
        UPDATE hashes SET pdq = set_bit(pdq, 200, 1 - get_bit(pdq, 200)) WHERE id = 1""",
    "put in clear": """
        UPDATE hashes SET pdq = sha256('x'), key_version = NULL, lookup_tag = NULL WHERE id = 1""",
    "put in clear, as if not all were sealed yet": """
        UPDATE hashes SET pdq = sha256('x'), key_version = NULL, lookup_tag = NULL WHERE id = 1;
        UPDATE encryption SET completed = false""",
}


@pytest.mark.parametrize("attack", ALTERED)
def test_altered_bits_are_not_matched_and_found_by_verify(
    database_url: str, attack: str, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(database_url) as service:
        submit(service, *PDQS[:3])
        assert found(service, PDQS[0])
    query(database_url, ALTERED[attack])
    with serving(database_url) as service:
        assert service.ready()["hashes"] == 2
        assert found(service, PDQS[1])
        with service.client("feed") as mirror:
            entries = mirror.get("/v1/hashes").json()["entries"]
            assert {each["pdq"] for each in entries} == {*PDQS[1:3]}
        with pytest.raises(StateUnexplained, match=r"hash 1: its bits|encryption 1"):
            service.flow(audit_log.verify_audit)
    assert "1 hashes were altered in the database" in caplog.text


def test_hash_put_in_clear_is_not_sealed(database_url: str, key: Path) -> None:
    """`encrypt` laundered it: for verification it was the service's own afterwards."""
    shutil.copy(key_file(), key)
    with serving(database_url) as service:
        submit(service, *PDQS[:3])
    query(database_url, ALTERED["put in clear, as if not all were sealed yet"])
    with pytest.raises(HashesAltered):
        encrypt(database_url, key)
    KeyFile(key).add_key()
    with pytest.raises(HashesAltered):
        encrypt(database_url, key)
    assert unsealed(database_url) == [("hash", "1")]


def test_tag_of_another_hash_is_found(database_url: str, key: Path) -> None:
    """The hash could be stored twice, and sealing both with a new key ended in a traceback."""
    shutil.copy(key_file(), key)
    with serving(database_url) as service:
        submit(service, *PDQS[:3])
        query(database_url, "UPDATE hashes SET lookup_tag = set_bit(lookup_tag, 0, 1) WHERE id = 1")
        query(database_url, "UPDATE hashes SET lookup_tag = set_bit(lookup_tag, 1, 0) WHERE id = 1")
        submit(service, PDQS[0])
        with pytest.raises(StateUnexplained, match="hash 1: its bits or the tag"):
            service.flow(audit_log.verify_audit)
    KeyFile(key).add_key()
    with pytest.raises(HashesAltered):
        encrypt(database_url, key)


def test_bits_are_not_copied_between_benign_hashes(service: RunningService) -> None:
    """One that is replaced protects its image no longer."""
    pdqs = [bytes.fromhex(pdq) for pdq in (BENIGN, PDQS[30])]
    service.flow(lambda store: benign_hashes.add_benign(store, pdqs, "logo"))
    service.flow(audit_log.verify_audit)
    query(
        service.database_url,
        "ALTER TABLE benign_hashes DROP CONSTRAINT benign_hashes_pdq_key;"
        " UPDATE benign_hashes SET pdq = (SELECT pdq FROM benign_hashes WHERE id = 2) WHERE id = 1",
    )
    with pytest.raises(StateUnexplained, match="benign 1"):
        service.flow(audit_log.verify_audit)


def test_database_passed_off_as_not_encrypted_stores_nothing_in_clear(
    service: RunningService,
) -> None:
    submit(service, PDQS[0])
    query(service.database_url, "UPDATE encryption SET version = NULL, completed = false")
    assert post_submission(service, submission(PDQS[1])).status_code == 503
    assert query(service.database_url, "SELECT count(*) FROM cases") == [(1,)]
    with pytest.raises(StateUnexplained, match="encryption 1"):
        service.flow(audit_log.verify_audit)


PIN_ATTACKS = {
    "copied": """
        UPDATE cases SET (pin_salt, pin_digest, pin_sealed, pin_tag) =
            (SELECT pin_salt, pin_digest, pin_sealed, NULL::smallint FROM cases WHERE id = 2)
        WHERE id = 1""",
    "in clear": """
        UPDATE cases SET pin_salt = %(salt)s, pin_digest = %(digest)s, pin_sealed = false,
            pin_tag = NULL WHERE id = 1""",
}


@pytest.mark.parametrize("attack", PIN_ATTACKS)
def test_pin_put_into_another_case_does_not_open_it(
    database_url: str, key: Path, attack: str
) -> None:
    """Whoever can write to the database opened any case with a PIN of their own."""
    shutil.copy(key_file(), key)
    own_pin = "4KQ7-PX2M-9TRV"
    with serving(database_url) as service:
        victim = submit(service, PDQS[0])["case"]
        own = post_submission(service, {**submission(PDQS[1]), "pin": own_pin}).json()["case"]
        salt = bytes(16)
        digest = credentials.pin_digest(own_pin.replace("-", ""), salt)
        with psycopg.connect(database_url) as owner:
            owner.execute(PIN_ATTACKS[attack].encode(), {"salt": salt, "digest": digest})
        for number, status in ((own, 200), (victim, 404)):
            url = f"{service.url}/v1/cases/{number}"
            assert httpx.get(url, headers={"Unseen-Pin": own_pin}).status_code == status
        if attack == "in clear":
            with pytest.raises(StateUnexplained, match="case 1: its PIN"):
                service.flow(audit_log.verify_audit)
            KeyFile(key).add_key()
            with pytest.raises(HashesAltered):
                encrypt(database_url, key)


def test_keys_made_at_the_same_time_are_all_kept(key: Path) -> None:
    """The second to be written replaced a file that sealed hashes depended on."""
    first = KeyFile(key).generate()
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: KeyFile(key).add_key().newest, range(8)))
    kept = KeyFile(key).keyring.keys
    assert sorted(each.version for each in made) == list(range(2, 10))
    assert {**first.keys, **{each.version: each for each in made}} == dict(kept)


def test_erased_bits_leave_no_tag(service: RunningService) -> None:
    withdraw(service, submit(service, PDQS[0]))
    wait_until(lambda: query(service.database_url, "SELECT ran_at FROM retention") != [(None,)])
    done = run("retain", DATABASE_URL=service.database_url, UNSEEN_ERASE_AFTER_DAYS="0")
    assert "hashes without their bits" in done.stdout
    rows = query(service.database_url, "SELECT pdq, lookup_tag, key_version FROM hashes")
    assert rows == [(None, None, None)]


WRONG = {"Unseen-Pin": "2222-2222-2222"}


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The PINs that scrypt was computed for."""
    pins: list[str] = []
    real = credentials.pin_digest

    def counted(pin: str, salt: bytes) -> bytes:
        pins.append(pin)
        return real(pin, salt)

    monkeypatch.setattr(credentials, "pin_digest", counted)
    return pins


def test_wrong_pins_cost_no_scrypt_and_do_not_tell_which_cases_exist(
    service: RunningService, computed: list[str]
) -> None:
    """Of 4,096 wrong PINs one has the tag of the right one."""
    known = submit(service, PDQS[0])["case"]
    computed.clear()
    seconds: dict[str, list[float]] = {}
    for _ in range(4):
        for number in (known, credentials.new_case_number()):
            answer = httpx.get(f"{service.url}/v1/cases/{number}", headers=WRONG)
            assert answer.status_code == 404
            seconds.setdefault(str(number == known), []).append(answer.elapsed.total_seconds())
    assert len(computed) <= 1
    assert min(map(min, seconds.values())) >= 0.5
    status = httpx.get(f"{service.url}/v1/cases/{known}", headers=PIN_HEADERS)
    assert status.status_code == 200
    assert computed[-1] == PIN.replace("-", "")


def test_case_from_before_gets_its_tag_when_it_is_opened(
    clear_url: str, key: Path, computed: list[str]
) -> None:
    with serving(clear_url, encryption_key_file=key) as service:
        number = submit(service, PDQS[0])["case"]
        encrypt(clear_url, key)
        address = f"{service.url}/v1/cases/{number}"
        wrong = httpx.get(address, headers=WRONG)
        assert (wrong.status_code, computed[-1]) == (404, "222222222222")
        assert wrong.elapsed.total_seconds() >= 0.5
        assert httpx.get(address, headers=PIN_HEADERS).status_code == 200
        assert query(clear_url, "SELECT pin_tag IS NULL FROM cases") == [(False,)]
        computed.clear()
        assert httpx.get(address, headers=WRONG).status_code == 404
        assert len(computed) <= 1


def test_stolen_digest_of_a_pin_cannot_be_tested(
    database_url: str, service: RunningService
) -> None:
    """Without the pepper not even the right PIN fits what is stored."""
    submit(service, PDQS[0])
    ((salt, digest),) = query(service.database_url, "SELECT pin_salt, pin_digest FROM cases")
    assert credentials.pin_digest(PIN.replace("-", ""), salt) != digest
