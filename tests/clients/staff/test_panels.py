"""The staff page's panels against a real service: what they show, and the actions of staff."""

import json
from typing import Any

import httpx
import psycopg
import pytest
from playwright.sync_api import Route, expect
from unseen_service.jobs.overmatch_watch import OvermatchDetector

from tests.support.holder_keys import HolderKey
from tests.support.waiting import wait_until

from .conftest import REASON, History, StaffMember


def audit_details(history: History, kind: str) -> list[dict[str, Any]]:
    with history.service.client("audit", platform="Staff") as staff:
        page = staff.get("/v1/audit/latest", params={"kind": kind, "limit": 1000}).json()
    return [entry["details"] for entry in page["entries"]]


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("unseen_wrong", "This call needs an active key"),
        ("schlüssel", "This is not a key"),
        (None, "This key lacks the scope 'audit'"),
    ],
)
def test_signing_in_needs_a_key_with_the_scope(
    visitor: StaffMember, history: History, key: str | None, message: str
) -> None:
    visitor.sign_in(key or history.service.key("match", platform="Forum"))
    expect(visitor.page.get_by_role("alert")).to_contain_text(message)
    expect(visitor.page.get_by_role("navigation")).to_be_hidden()
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_a_reason_with_a_case_number_is_refused(visitor: StaffMember, history: History) -> None:
    visitor.sign_in(history.service.key("audit", "admin", platform="Staff"), "case UN-7K4M-9QTX")
    expect(visitor.page.get_by_role("alert")).to_contain_text("must not contain a case number")


def test_the_overview_shows_counts_and_records_the_reason(
    member: StaffMember, history: History
) -> None:
    charts = member.page.locator("figure")
    expect(charts).to_have_count(4)
    summaries = [chart.get_by_role("img").get_attribute("aria-label") for chart in charts.all()]
    assert [(summary or "").split(":")[0] for summary in summaries] == [
        "Matched uploads",
        "Unmatched uploads",
        "Submitted images",
        "Withdrawn images",
    ]
    matched = charts.first
    matched.locator("summary").click()
    total = sum(int(each) for each in matched.locator("td:last-child").all_text_contents())
    assert f"{total} in total" in (matched.text_content() or "")
    assert total == len(history.records)
    member.button("30 days").click()
    expect(member.button("30 days")).to_have_attribute("aria-pressed", "true")
    expect(matched.locator("rect")).to_have_count(30)
    assert audit_details(history, "statistics.read")[0]["reason"] == REASON


def test_alerts_are_listed(member: StaffMember, history: History) -> None:
    alerts = member.page.get_by_role("region", name="Alerts")
    with psycopg.connect(history.service.database_url) as connection:
        connection.execute(
            "INSERT INTO alerts (kind, line, details) VALUES ('key.probing', 1, %s)",
            (json.dumps({"near": 48}),),
        )
    member.open("Overview", "Overview")
    expect(alerts).to_contain_text("Lookups that probe around one hash")
    expect(alerts).to_contain_text("near 48")


@pytest.mark.parametrize(
    ("decision", "standing"), [("Release", "unreviewed"), ("Keep", "confirmed")]
)
def test_staff_decide_on_a_suspect_hash(
    member: StaffMember, history: History, decision: str, standing: str
) -> None:
    record = history.add_disputed()
    member.open("Review", "Review queue")
    card = member.page.locator("#reviews > li").filter(has_text=record)
    expect(card).to_contain_text("not intimate: Board, Forum")
    expect(card.locator(".badge")).to_have_text("matched (suspect)")
    member.button(f"{decision} {record}").click()
    reason = card.get_by_label("Reason (recorded in the audit log)")
    expect(reason).to_be_focused()
    reason.fill(f"the platforms' word, {decision}")
    card.locator(".confirm").get_by_role("button", name=decision, exact=True).click()
    expect(card).to_have_count(0)
    expect(member.page.locator("#announcement")).to_have_text(
        {"Release": "Released", "Keep": "Kept"}[decision]
    )
    with history.service.client("audit", platform="Staff") as staff:
        decided = staff.get("/v1/review", params={"state": "decided"}).json()["reviews"][0]
    assert (decided["record"], decided["decision"]) == (record, decision.lower())
    assert decided["why"] == f"the platforms' word, {decision}"
    assert decided["standing"] == standing
    assert (
        audit_details(history, "review.decided")[0]["reason"] == f"the platforms' word, {decision}"
    )
    member.button("Decided").click()
    expect(card).to_contain_text("staff:Staff")
    expect(member.button(f"{decision} {record}")).to_have_count(0)


def test_a_removal_takes_a_second_person(member: StaffMember, history: History) -> None:
    record = history.add_disputed()
    member.open("Review", "Review queue")
    card = member.page.locator("#reviews > li").filter(has_text=record)
    member.button(f"Remove {record}").click()
    card.get_by_label("Reason (recorded in the audit log)").fill("a logo")
    card.locator(".confirm").get_by_role("button", name="Remove", exact=True).click()
    expect(member.page.locator("#announcement")).to_contain_text("Nothing changes until a second")
    expect(card).to_contain_text("Remove: it waits for a second person")
    expect(card).to_contain_text("a logo")
    with history.service.client("admin", platform="Second") as second:
        body = {"decision": "remove"}
        answer = second.post(f"/v1/review/{record}", json=body)
        assert answer.json()["final"], answer.text
    member.button("Decided").click()
    expect(card.locator(".badge")).to_have_text("not matched")


def test_all_disputes_of_a_platform_are_decided_at_once(
    member: StaffMember, history: History
) -> None:
    history.add_disputed()
    member.open("Review", "Review queue")
    card = member.page.locator("#disputes > li").filter(has_text="Board")
    member.button("Release all that Board disputes").click()
    card.get_by_label("Reason (recorded in the audit log)").fill("they sent the wrong list")
    card.locator(".confirm").get_by_role("button", name="Release all", exact=True).click()
    expect(member.page.locator("#announcement")).to_contain_text("decided")
    expect(card).to_have_count(0)
    (details, *_) = audit_details(history, "disputes.decided")
    assert (details["platform"], details["decision"]) == ("Board", "release")
    assert details["reason"] == "they sent the wrong list"


def test_a_decision_needs_a_reason_and_can_be_cancelled(
    member: StaffMember, history: History
) -> None:
    record = history.add_disputed()
    member.open("Review", "Review queue")
    opener = member.button(f"Remove {record}")
    opener.click()
    box = member.page.locator(".confirm")
    box.get_by_role("button", name="Remove").click()
    expect(box).to_be_visible()
    member.page.keyboard.press("Escape")
    expect(box).to_have_count(0)
    expect(opener).to_be_focused()
    with history.service.client("audit", platform="Staff") as staff:
        open_records = {each["record"] for each in staff.get("/v1/review").json()["reviews"]}
    assert record in open_records


def test_a_decision_without_the_scope_admin_is_refused(
    visitor: StaffMember, history: History
) -> None:
    record = history.add_disputed()
    visitor.sign_in(history.service.key("audit", platform="Reader"))
    visitor.open("Review", "Review queue")
    visitor.button(f"Keep {record}").click()
    box = visitor.page.locator(".confirm")
    box.get_by_label("Reason (recorded in the audit log)").fill("trying")
    box.get_by_role("button", name="Keep").click()
    expect(visitor.page.get_by_role("alert")).to_contain_text("lacks the scope 'admin'")


def test_the_log_is_filtered_and_its_chain_recomputed(
    member: StaffMember, history: History
) -> None:
    history.add_match("Elsewhere")
    member.open("Audit log", "Audit log")
    rows = member.page.locator("#entries tbody tr")
    expect(member.page.locator("#links")).to_contain_text("link to the previous entry")
    newest = audit_details(history, "audit.read")
    assert newest[0]["reason"] == "a test"
    assert newest[1]["reason"] == REASON
    member.page.get_by_label("Kind").fill("match.hit")
    member.page.get_by_label("Actor").fill("platform:Elsewhere")
    member.button("Apply").click()
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text(history.records[-1])
    member.page.get_by_label("Actor").fill("")
    member.page.get_by_label("Kind").fill("case.submitted")
    member.button("Apply").click()
    expect(rows).to_have_count(len(history.records))
    subject = rows.first.locator("button.mono")
    title = subject.get_attribute("title")
    subject.click()
    expect(rows).to_have_count(1)
    expect(member.page.get_by_label("Case reference")).to_have_value(title or "")


def test_older_entries_are_added(member: StaffMember, history: History) -> None:
    with history.service.client("audit", platform="Staff") as staff:
        for _ in range(55):
            staff.get("/v1/audit/latest", params={"limit": 1})
    member.open("Audit log", "Audit log")
    rows = member.page.locator("#entries tbody tr")
    expect(rows).to_have_count(50)
    member.button("Show older entries").click()
    expect(rows.nth(50)).to_be_visible()
    numbers = [int(each) for each in rows.locator("td:first-child").all_text_contents()]
    assert numbers == list(range(numbers[0], numbers[0] - len(numbers), -1))


def test_an_altered_entry_is_reported(member: StaffMember) -> None:
    altered: list[int] = []

    def alter(route: Route) -> None:
        page = route.fetch().json()
        page["entries"][1]["actor"] = "somebody"
        altered.append(page["entries"][1]["position"])
        route.fulfill(json=page)

    member.page.route("**/v1/audit/latest*", alter)
    member.open("Audit log", "Audit log")
    alert = member.page.get_by_role("alert")
    expect(alert).to_contain_text("Verification failed")
    expect(alert).to_contain_text(f"at entry {altered[0]}:")


def test_the_whole_log_is_verified_in_the_browser(member: StaffMember, history: History) -> None:
    member.open("Integrity", "Log integrity")
    kept = member.page.locator("#checkpoint")
    expect(kept).to_contain_text("unseen-audit/")
    note = kept.text_content() or ""
    with history.service.client("audit", platform="Staff") as staff:
        assert note.splitlines()[0] in staff.get("/v1/audit/checkpoint").text
    history.add_match()
    member.page.get_by_label("A checkpoint you saved earlier").fill(note)
    member.button("Verify the log").click()
    result = member.page.locator("#verification")
    expect(result).to_contain_text("entries verified:")
    expect(result).to_contain_text("The signature is valid.")
    expect(result).to_contain_text(
        f"your checkpoint of {note.splitlines()[1]} entries is unchanged"
    )
    run = verifications(history)[-1]
    assert (run["fits"], run["same_root"]) == (True, True)
    assert f"{run['position']} entries verified" in (result.text_content() or "")


def verifications(history: History) -> list[dict[str, Any]]:
    with history.service.client("audit", platform="Other staff") as other:
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
def test_a_tampered_export_is_reported(member: StaffMember, history: History, tamper: Any) -> None:
    def respond_tampered(route: Route) -> None:
        lines = route.fetch().text().splitlines()
        route.fulfill(body="\n".join(tamper(lines)) + "\n")

    member.page.route("**/v1/audit/export", respond_tampered)
    member.open("Integrity", "Log integrity")
    member.button("Verify the log").click()
    expect(member.page.get_by_role("alert")).to_contain_text("Verification failed at entry 3")
    expect(member.page.locator("#verification")).to_have_text("")
    run = verifications(history)[-1]
    assert (run["fits"], run["position"]) == (False, 3)


def test_malformed_and_forged_checkpoints_are_refused(
    member: StaffMember,
) -> None:
    member.open("Integrity", "Log integrity")
    shown = member.page.locator("#checkpoint")
    expect(shown).to_contain_text("unseen-audit/")
    name, size, _, *rest = (shown.text_content() or "").split("\n")
    for note, message in [
        ("no checkpoint", "This is not a checkpoint"),
        ("\n".join([name, size, "A" * 43 + "=", *rest]), "is not signed with this service"),
    ]:
        member.page.get_by_label("A checkpoint you saved earlier").fill(note)
        member.button("Verify the log").click()
        expect(member.page.get_by_role("alert")).to_contain_text(message)


def test_a_rewritten_log_is_detected_with_a_saved_checkpoint(
    member: StaffMember, history: History
) -> None:
    """Every digest of a rewritten log is right; only a saved checkpoint reveals it."""
    member.open("Integrity", "Log integrity")
    kept = member.page.locator("#checkpoint")
    expect(kept).to_contain_text("unseen-audit/")
    note = kept.text_content() or ""

    def respond_rewritten(route: Route) -> None:
        lines = route.fetch().text().splitlines()
        route.fulfill(body=f"{lines[0]}\n{json.dumps({'checkpoint': short})}\n")

    short = _checkpoint_of_one(history)
    member.page.route("**/v1/audit/export", respond_rewritten)
    member.button("Verify the log").click()
    expect(member.page.locator("#verification")).to_contain_text("1 entry verified")
    member.page.get_by_label("A checkpoint you saved earlier").fill(note)
    member.button("Verify the log").click()
    expect(member.page.get_by_role("alert")).to_contain_text("at entry 2: the entry is missing")


def _checkpoint_of_one(history: History) -> str:
    """Return a checkpoint of the first entry alone, signed with the service's own key."""
    from unseen_service.usecases.checkpoints import Checkpoints  # noqa: PLC0415

    data = history.data
    kept = data / "audit.checkpoint"
    return history.service.flow(lambda store: Checkpoints(store, data / "audit.key", kept).of(1))


def test_overdue_responses_are_listed(member: StaffMember, history: History) -> None:
    record = history.add_match("Sleepy")
    history.service.flow(lambda store: OvermatchDetector(store, floor=200).scan())
    with psycopg.connect(history.service.database_url) as connection:
        connection.execute(
            "UPDATE owed SET since = since - interval '73 hours' WHERE hash_id ="
            " (SELECT id FROM hashes WHERE record = %s)",
            (record,),
        )
    member.open("Overdue", "Overdue responses")
    row = member.page.locator("#overdue-table tbody tr").filter(has_text=record)
    expect(row).to_contain_text("Sleepy")
    expect(row).to_contain_text("Removal after a match")
    expect(row).to_contain_text("3 days, since")


def test_keys_are_approved_and_revoked(member: StaffMember, history: History) -> None:
    made = HolderKey()
    body = made.body("Newcomer", "feed", note="by their letter")
    with history.service.client("audit", "admin", platform="Other staff") as other:
        new = other.post("/v1/keys", json=body).json()
    wait_until(lambda: made.activate(history.service.url).is_success)
    member.open("Keys", "Platforms and keys")
    row = member.page.get_by_role("region", name="Keys of Newcomer").locator("tbody tr")
    expect(row).to_contain_text("by their letter")
    expect(row.locator(".badge")).to_have_text("pending")
    expect(row).to_contain_text(made.fingerprint)
    for action, status in ("Approve", "active"), ("Revoke", "revoked"):
        member.button(f"{action} key {new['id']}").click()
        row.locator(".confirm").get_by_role("button", name=action, exact=True).click()
        expect(row.locator(".badge")).to_have_text(status)
    headers = made.headers
    feed = f"{history.service.url}/v1/hashes"
    # A revocation reaches every worker within a second.
    wait_until(lambda: httpx.get(feed, headers=headers).status_code == 401)
