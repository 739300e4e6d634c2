"""Each panel through a real service: what staff see is so, and what they decide happens."""

import json
from typing import Any

import httpx
import psycopg
import pytest
from playwright.sync_api import Route, expect
from unseen_service.jobs.overmatch_watch import OvermatchDetector

from .conftest import REASON, StaffMember, Stage


def audited(stage: Stage, kind: str) -> list[dict[str, Any]]:
    with stage.service.client("audit", platform="Staff") as staff:
        page = staff.get("/v1/audit/latest", params={"kind": kind, "limit": 1000}).json()
    return [entry["details"] for entry in page["entries"]]


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("unseen_wrong", "This call needs a key that is in force"),
        ("schlüssel", "This is not a key"),
        (None, "This key lacks the scope 'audit'"),
    ],
)
def test_who_has_no_key_for_it_gets_no_further(
    visitor: StaffMember, stage: Stage, key: str | None, says: str
) -> None:
    visitor.sign_in(key or stage.service.key("match", platform="Forum"))
    expect(visitor.page.get_by_role("alert")).to_contain_text(says)
    expect(visitor.page.get_by_role("navigation")).to_be_hidden()
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_a_reason_that_tells_too_much_is_refused_in_its_words(
    visitor: StaffMember, stage: Stage
) -> None:
    visitor.sign_in(stage.service.key("audit", "admin", platform="Staff"), "case UN-7K4M-9QTX")
    expect(visitor.page.get_by_role("alert")).to_contain_text("no case number")


def test_the_overview_counts_and_says_why_it_was_read(member: StaffMember, stage: Stage) -> None:
    plots = member.page.locator("figure")
    expect(plots).to_have_count(4)
    names = [plot.get_by_role("img").get_attribute("aria-label") or "" for plot in plots.all()]
    assert [name.split(":")[0] for name in names] == [
        "Uploads that matched",
        "Uploads that did not match",
        "Images submitted",
        "Images withdrawn",
    ]
    matched = plots.first
    matched.locator("summary").click()
    total = sum(int(each) for each in matched.locator("td:last-child").all_text_contents())
    assert f"{total} in all" in (matched.text_content() or "")
    assert total == len(stage.records)
    member.button("30 days").click()
    expect(member.button("30 days")).to_have_attribute("aria-pressed", "true")
    expect(matched.locator("rect")).to_have_count(30)
    assert audited(stage, "statistics.read")[0]["reason"] == REASON


def test_alerts_are_told(member: StaffMember, stage: Stage) -> None:
    alerts = member.page.get_by_role("region", name="Alerts")
    with psycopg.connect(stage.service.database_url) as connection:
        connection.execute(
            "INSERT INTO alerts (kind, line, details) VALUES ('key.probing', 1, %s)",
            (json.dumps({"near": 48}),),
        )
    member.open("Overview", "Overview")
    expect(alerts).to_contain_text("Look-ups like a walk around one hash")
    expect(alerts).to_contain_text("near 48")


@pytest.mark.parametrize(
    ("decision", "standing"), [("Release", "unreviewed"), ("Keep", "confirmed"), ("Remove", None)]
)
def test_a_quarantined_hash_is_decided(
    member: StaffMember, stage: Stage, decision: str, standing: str | None
) -> None:
    record = stage.disputed()
    member.open("Review", "Review queue")
    card = member.page.locator("#reviews > li").filter(has_text=record)
    expect(card).to_contain_text("not intimate: Board, Forum")
    expect(card.locator(".badge")).to_have_text("set aside")
    member.button(f"{decision} {record}").click()
    why = card.get_by_label("Reason, for the audit log")
    expect(why).to_be_focused()
    why.fill(f"the platforms' word, {decision}")
    card.locator(".sure").get_by_role("button", name=decision, exact=True).click()
    expect(card).to_have_count(0)
    expect(member.page.locator("#said")).to_have_text(
        {"Release": "Released", "Keep": "Kept", "Remove": "Removed"}[decision]
    )
    with stage.service.client("audit", platform="Staff") as staff:
        decided = staff.get("/v1/review", params={"state": "decided"}).json()["reviews"][0]
    assert (decided["record"], decided["decision"]) == (record, decision.lower())
    assert decided["why"] == f"the platforms' word, {decision}"
    assert decided["standing"] == (standing or "quarantined")
    assert audited(stage, "review.decided")[0]["reason"] == f"the platforms' word, {decision}"
    member.button("Decided").click()
    expect(card).to_contain_text("staff:Staff")
    expect(member.button(f"{decision} {record}")).to_have_count(0)


def test_a_decision_needs_a_reason_and_can_be_called_off(member: StaffMember, stage: Stage) -> None:
    record = stage.disputed()
    member.open("Review", "Review queue")
    opener = member.button(f"Remove {record}")
    opener.click()
    box = member.page.locator(".sure")
    box.get_by_role("button", name="Remove").click()
    expect(box).to_be_visible()
    member.page.keyboard.press("Escape")
    expect(box).to_have_count(0)
    expect(opener).to_be_focused()
    with stage.service.client("audit", platform="Staff") as staff:
        open_records = {each["record"] for each in staff.get("/v1/review").json()["reviews"]}
    assert record in open_records


def test_who_may_only_read_is_told_so(visitor: StaffMember, stage: Stage) -> None:
    record = stage.disputed()
    visitor.sign_in(stage.service.key("audit", platform="Reader"))
    visitor.open("Review", "Review queue")
    visitor.button(f"Keep {record}").click()
    box = visitor.page.locator(".sure")
    box.get_by_label("Reason, for the audit log").fill("trying")
    box.get_by_role("button", name="Keep").click()
    expect(visitor.page.get_by_role("alert")).to_contain_text("lacks the scope 'admin'")


def test_the_log_is_filtered_and_its_links_computed(member: StaffMember, stage: Stage) -> None:
    stage.found("Elsewhere")
    member.open("Audit log", "Audit log")
    rows = member.page.locator("#entries tbody tr")
    expect(member.page.locator("#links")).to_contain_text("fit the digest of the one before")
    newest = audited(stage, "audit.read")
    assert newest[0]["reason"] == "a test"
    assert newest[1]["reason"] == REASON
    member.page.get_by_label("Kind").fill("match.hit")
    member.page.get_by_label("Actor").fill("platform:Elsewhere")
    member.button("Show").click()
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text(stage.records[-1])
    member.page.get_by_label("Actor").fill("")
    member.page.get_by_label("Kind").fill("case.submitted")
    member.button("Show").click()
    expect(rows).to_have_count(len(stage.records))
    subject = rows.first.locator("button.mono")
    title = subject.get_attribute("title")
    subject.click()
    expect(rows).to_have_count(1)
    expect(member.page.get_by_label("Case reference")).to_have_value(title or "")


def test_older_entries_follow(member: StaffMember, stage: Stage) -> None:
    with stage.service.client("audit", platform="Staff") as staff:
        for _ in range(55):
            staff.get("/v1/audit/latest", params={"limit": 1})
    member.open("Audit log", "Audit log")
    rows = member.page.locator("#entries tbody tr")
    expect(rows).to_have_count(50)
    member.button("Older entries").click()
    expect(rows.nth(50)).to_be_visible()
    numbers = [int(each) for each in rows.locator("td:first-child").all_text_contents()]
    assert numbers == list(range(numbers[0], numbers[0] - len(numbers), -1))


def test_an_entry_that_was_altered_is_named(member: StaffMember) -> None:
    altered: list[int] = []

    def alter(route: Route) -> None:
        page = route.fetch().json()
        page["entries"][1]["actor"] = "somebody"
        altered.append(page["entries"][1]["position"])
        route.fulfill(json=page)

    member.page.route("**/v1/audit/latest*", alter)
    member.open("Audit log", "Audit log")
    expect(member.page.get_by_role("alert")).to_contain_text("does not fit")
    assert f"Entry {altered[0]} " in member.page.get_by_role("alert").inner_text()


def test_the_whole_log_is_verified_here(member: StaffMember, stage: Stage) -> None:
    member.open("Proof", "Proof of the log")
    kept = member.page.locator("#checkpoint")
    expect(kept).to_contain_text("unseen-audit/")
    note = kept.text_content() or ""
    with stage.service.client("audit", platform="Staff") as staff:
        assert note.splitlines()[0] in staff.get("/v1/audit/checkpoint").text
    stage.found()
    member.page.get_by_label("A checkpoint that you kept").fill(note)
    member.button("Verify the log").click()
    walked = member.page.locator("#walked")
    expect(walked).to_contain_text("entries fit")
    expect(walked).to_contain_text("The signature is good.")
    expect(walked).to_contain_text(f"grown from your checkpoint of {note.splitlines()[1]}")
    run = verifications(stage)[-1]
    assert (run["fits"], run["same_root"]) == (True, True)
    assert f"All {run['position']} entries" in (walked.text_content() or "")


def verifications(stage: Stage) -> list[dict[str, Any]]:
    with stage.service.client("audit", platform="Other staff") as other:
        read = other.get("/v1/audit", params={"kind": "audit.verified"}).json()
    return [each["details"] for each in read["entries"]]


def _altered(lines: list[str]) -> list[str]:
    return [*lines[:2], lines[2].replace('"kind":"', '"kind":"x'), *lines[3:]]


def _dropped(lines: list[str]) -> list[str]:
    return lines[:2] + lines[3:]


def _cut_off(lines: list[str]) -> list[str]:
    return lines[:2]


def _shortened(lines: list[str]) -> list[str]:
    return [*lines[:2], lines[-1]]


@pytest.mark.parametrize("tamper", [_altered, _dropped, _cut_off, _shortened])
def test_an_export_that_does_not_fit_is_named(
    member: StaffMember, stage: Stage, tamper: Any
) -> None:
    def spoil(route: Route) -> None:
        lines = route.fetch().text().splitlines()
        route.fulfill(body="\n".join(tamper(lines)) + "\n")

    member.page.route("**/v1/audit/export", spoil)
    member.open("Proof", "Proof of the log")
    member.button("Verify the log").click()
    expect(member.page.get_by_role("alert")).to_contain_text("Entry 3 does not fit")
    expect(member.page.locator("#walked")).to_have_text("")
    run = verifications(stage)[-1]
    assert (run["fits"], run["position"]) == (False, 3)


def test_a_checkpoint_that_is_forged_or_from_elsewhere_is_told_apart(
    member: StaffMember,
) -> None:
    member.open("Proof", "Proof of the log")
    shown = member.page.locator("#checkpoint")
    expect(shown).to_contain_text("unseen-audit/")
    name, size, _, *rest = (shown.text_content() or "").split("\n")
    for note, says in [
        ("no checkpoint", "This is not a checkpoint"),
        ("\n".join([name, size, "A" * 43 + "=", *rest]), "is not signed with this service"),
    ]:
        member.page.get_by_label("A checkpoint that you kept").fill(note)
        member.button("Verify the log").click()
        expect(member.page.get_by_role("alert")).to_contain_text(says)


def test_a_log_that_has_not_grown_from_a_kept_checkpoint_is_not_the_log(
    member: StaffMember, stage: Stage
) -> None:
    """The whole log made anew: every digest fits, and only who kept something can tell."""
    member.open("Proof", "Proof of the log")
    kept = member.page.locator("#checkpoint")
    expect(kept).to_contain_text("unseen-audit/")
    note = kept.text_content() or ""

    def begin_anew(route: Route) -> None:
        lines = route.fetch().text().splitlines()
        route.fulfill(body=f"{lines[0]}\n{json.dumps({'checkpoint': short})}\n")

    short = _signed_of_one(stage)
    member.page.route("**/v1/audit/export", begin_anew)
    member.button("Verify the log").click()
    expect(member.page.locator("#walked")).to_contain_text("All 1 entry fits")
    member.page.get_by_label("A checkpoint that you kept").fill(note)
    member.button("Verify the log").click()
    expect(member.page.get_by_role("alert")).to_contain_text("Entry 2 does not fit: it is missing")


def _signed_of_one(stage: Stage) -> str:
    """Have the service's own key sign the first entry alone."""
    from unseen_service.usecases.checkpoints import Checkpoints  # noqa: PLC0415

    data = stage.data
    return stage.service.flow(
        lambda store: Checkpoints(store, data / "audit.key", data / "none").of(1)
    )


def test_what_is_overdue_is_listed(member: StaffMember, stage: Stage) -> None:
    record = stage.found("Sleepy")
    stage.service.flow(lambda store: OvermatchDetector(store, floor=200).scan())
    with psycopg.connect(stage.service.database_url) as connection:
        connection.execute(
            "UPDATE owed SET since = since - interval '73 hours' WHERE hash_id ="
            " (SELECT id FROM hashes WHERE record = %s)",
            (record,),
        )
    member.open("Overdue", "Overdue")
    row = member.page.locator("#owed tbody tr").filter(has_text=record)
    expect(row).to_contain_text("Sleepy")
    expect(row).to_contain_text("a match without a removal")
    expect(row).to_contain_text("3 days, since")


def test_keys_are_approved_and_revoked(member: StaffMember, stage: Stage) -> None:
    body = {"platform": "Newcomer", "scopes": ["feed"], "note": "by their letter"}
    with stage.service.client("audit", "admin", platform="Other staff") as other:
        new = other.post("/v1/keys", json=body).json()
    member.open("Keys", "Platforms and keys")
    row = member.page.get_by_role("region", name="Keys of Newcomer").locator("tbody tr")
    expect(row).to_contain_text("by their letter")
    expect(row.locator(".badge")).to_have_text("pending")
    for action, status in ("Approve", "in force"), ("Revoke", "revoked"):
        member.button(f"{action} key {new['id']}").click()
        row.locator(".sure").get_by_role("button", name=action, exact=True).click()
        expect(row.locator(".badge")).to_have_text(status)
    headers = {"Authorization": f"Bearer {new['key']}"}
    assert httpx.get(f"{stage.service.url}/v1/hashes", headers=headers).status_code == 401
