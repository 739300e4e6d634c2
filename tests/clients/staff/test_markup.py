"""Markup in anything that platforms or staff write is shown as text on the staff page."""

import json

import psycopg
from playwright.sync_api import expect

from tests.support.holder_keys import HolderKey

from .conftest import History, StaffMember

MARKUP = "<img src=x onerror='self.ran=1'><script>self.ran=1</script>"


def test_markup_is_shown_as_text(member: StaffMember, history: History) -> None:
    platform = f"P {MARKUP}"
    record = history.add_match(platform)
    with history.service.client("feedback", platform=platform) as client:
        feedback = {"record": record, "value": "not-intimate", "tags": [MARKUP]}
        client.post("/v1/feedback", json={"feedback": [feedback]}).raise_for_status()
    with history.service.client("audit", "admin", platform=f"S {MARKUP}") as other:
        headers = {"Unseen-Reason": MARKUP}
        key = HolderKey().body(platform, "feed", note=MARKUP)
        other.post("/v1/keys", json=key).raise_for_status()
        other.get("/v1/audit", headers=headers).raise_for_status()
    with psycopg.connect(history.service.database_url) as connection:
        connection.execute(
            "INSERT INTO alerts (kind, line, details) VALUES (%s, 1, %s)",
            (MARKUP, json.dumps({MARKUP: MARKUP})),
        )
    for panel, heading in (
        ("Overview", "Overview"),
        ("Review", "Review queue"),
        ("Audit log", "Audit log"),
        ("Overdue", "Overdue responses"),
        ("Keys", "Platforms and keys"),
    ):
        member.open(panel, heading)
        if panel in ("Overview", "Audit log", "Keys"):
            expect(member.page.locator("main")).to_contain_text(MARKUP)
        assert member.page.locator("img, main script").count() == 0
    assert member.page.evaluate("self.ran") is None
