"""Markup in whatever somebody else may say stays text on the staff's page."""

import json

import psycopg
from playwright.sync_api import expect

from .conftest import StaffMember, Stage

MARKUP = "<img src=x onerror='self.hit=1'><script>self.hit=1</script>"


def test_what_platforms_and_staff_say_is_shown_as_text(member: StaffMember, stage: Stage) -> None:
    platform = f"P {MARKUP}"
    record = stage.found(platform)
    with stage.service.client("feedback", platform=platform) as client:
        said = {"record": record, "value": "not-intimate", "tags": [MARKUP]}
        client.post("/v1/feedback", json={"feedback": [said]}).raise_for_status()
    with stage.service.client("audit", "admin", platform=f"S {MARKUP}") as other:
        headers = {"Unseen-Reason": MARKUP}
        key = {"platform": platform, "scopes": ["feed"], "note": MARKUP}
        other.post("/v1/keys", json=key).raise_for_status()
        other.get("/v1/audit", headers=headers).raise_for_status()
    with psycopg.connect(stage.service.database_url) as connection:
        connection.execute(
            "INSERT INTO alerts (kind, line, details) VALUES (%s, 1, %s)",
            (MARKUP, json.dumps({MARKUP: MARKUP})),
        )
    for panel, heading in (
        ("Overview", "Overview"),
        ("Review", "Review queue"),
        ("Audit log", "Audit log"),
        ("Overdue", "Overdue"),
        ("Keys", "Platforms and keys"),
    ):
        member.open(panel, heading)
        if panel in ("Overview", "Audit log", "Keys"):
            expect(member.page.locator("main")).to_contain_text(MARKUP)
        assert member.page.locator("img, main script").count() == 0
    assert member.page.evaluate("self.hit") is None
