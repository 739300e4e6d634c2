"""A database that release 0.1.0 wrote, restored from a dump: it is migrated, then encrypted.

The dump has a case that is open and one that was withdrawn, matches, feedback, a review, a benign
hash and keys of staff and platforms. test_upgrade.py runs 0.1.0 itself.
"""

from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
from unseen_service.runtime.private_files import write_secret

from tests.support.cli import run
from tests.support.databases import unmigrated_database
from tests.support.disks import data_directory_of
from tests.support.encryption import key_file
from tests.support.postgres_tools import tool
from tests.support.running_service import RunningService, serving
from tests.support.submissions import PIN

DUMP = Path(__file__).with_name("unseen-0.1.0.sql")

CASE = "UN-1GJE-208R"
PDQ = "8b4ae5f1a94106a0956a26afbccdafe562f90a945f5693c642276ad5ab2da739"
BENIGN = "59e70c9988375e01f8a92181901f640bd9b6720f41664ae89f16bfd468c19529"
PLATFORM = {"Authorization": "Bearer unseen_jykEYbvCpS53Yz2pvnVWdWEBJHXUb1raWsQCoxXsi4E"}
STAFF = {
    "Authorization": "Bearer unseen_eSddnzfu9FTALE2aLAFNsDrZomjOe1s63RQJhJTnK3g",
    "Unseen-Reason": "a test",
}
AUDIT_KEY = (
    "PRIVATE+KEY+unseen-audit/9ec66193+00bff5d3+AQ8Vvhml/qY/1so6j1N/uv0VG3zEycoXB8jKSb4gPpw9"
)
CHECKPOINT = """\
unseen-audit/9ec66193
35
ul1by/LrBQ0L5+l3xeZ+kGvaeD8aWPF5aV0sUmgrOb8=

\N{EM DASH} unseen-audit/9ec66193 AL/10y+00iyi5uG2G0yVPYUhN7ob/hwPX\
3nGqjb1tHaKjbEr51Xd86dgKIyIfcdT4UaXQ+WsKfzTtUlCpV3RnN7gjwI=
"""


@pytest.fixture
def restored(postgres: str) -> Iterator[str]:
    """The database of 0.1.0, with its data folder; its URL."""
    with unmigrated_database(postgres) as url:
        data = data_directory_of(url)
        write_secret(data / "audit.key", AUDIT_KEY)
        (data / "audit.checkpoint").write_text(CHECKPOINT)
        with psycopg.connect(url) as connection:
            connection.execute(DUMP.read_bytes())
        yield url


def test_old_database_is_migrated_and_encrypted(restored: str, tmp_path: Path) -> None:
    settings = {"DATABASE_URL": restored, "UNSEEN_ENCRYPTION_KEY_FILE": str(key_file())}
    migrated = run("migrate", **settings)
    assert migrated.stdout.startswith("applied 0066_needs_approval")
    assert "the hashes in the database are not encrypted" in migrated.stderr
    assert contains_bits(restored, tmp_path)
    with serving(restored) as service:
        expect_everything_works(service)

    assert run("encrypt", **settings).returncode == 0
    assert not contains_bits(restored, tmp_path)
    with serving(restored) as service:
        expect_everything_works(service)
    verified = run("audit", "verify", "--data", str(data_directory_of(restored)), **settings)
    assert verified.returncode == 0, verified.stderr
    assert "vouched for as they were found" in verified.stdout


def contains_bits(url: str, folder: Path) -> bool:
    """Return whether a dump of the database contains the hashes of 0.1.0: all, or none."""
    file = folder / "dump.sql"
    tool("pg_dump", "--file", str(file), url)
    found = {pdq in file.read_text() for pdq in (PDQ, BENIGN)}
    assert len(found) == 1
    return found.pop()


def expect_everything_works(service: RunningService) -> None:
    """Use the case, the hashes and the keys of 0.1.0."""
    url = service.url
    case = httpx.get(f"{url}/v1/cases/{CASE}", headers={"Unseen-Pin": PIN}).json()
    assert (case["status"], case["images"][0]["status"]) == ("active", "active")
    assert "Example" in {each["platform"] for each in case["platforms"]}
    wrong = httpx.get(f"{url}/v1/cases/{CASE}", headers={"Unseen-Pin": "2718-2818-2845"})
    assert wrong.status_code == 404
    body = {"hashes": [PDQ, BENIGN]}
    answer = httpx.post(f"{url}/v1/match", json=body, headers=PLATFORM).json()
    assert [hit["distance"] for hit in answer["hits"]] == [0]
    keys = httpx.get(f"{url}/v1/keys", headers=STAFF).json()["keys"]
    known = {key["platform"] for key in keys if key["secret_known_to_issuer"]}
    assert known >= {"Staff 1", "Staff 2"}
