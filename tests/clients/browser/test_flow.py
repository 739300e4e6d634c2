"""The person's page against a real service, from choosing images to withdrawing them."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Locator, Page, expect
from unseen import Submission

from tests.support.running_service import RunningService

from .drawn_images import Pixels, encode, photo, scene, turned_views
from .person import TEXTS, Person, file
from .recording_proxy import RecordingProxy

ONE, TWO = file("one.jpg", photo(1)), file("two.jpg", photo(2))
PIN = re.compile(r"[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){2}")


def in_thread(work: Any) -> Any:
    """Run something that needs its own event loop; Playwright's occupies this thread."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


def match_upload(service: RunningService, client: httpx.Client, pdq: str) -> list[Any]:
    in_thread(service.wait_in_step)
    hits: list[Any] = client.post("/v1/match", json={"hashes": [pdq]}).json()["hits"]
    return hits


def test_images_become_a_case_that_platforms_match_until_it_is_withdrawn(
    person: Person, any_service: RunningService, proxy: RecordingProxy
) -> None:
    person.start()
    person.choose(ONE, TWO)
    shown = person.review()
    assert [len(image["hashes"]) for image in shown["images"]] == [8, 8]
    number, pin = person.submit()
    assert PIN.fullmatch(pin)

    [sent] = proxy.api_requests("POST")
    assert json.loads(sent.body) == shown
    assert shown["pin"] == pin
    assert re.search(r"(?i)^idempotency-key: [0-9a-f]{32}$", sent.headers, re.MULTILINE)

    platform = in_thread(lambda: any_service.client("match", platform="Photo site"))
    mirrored = next(h for h in shown["images"][1]["hashes"] if h["view"] == "mirror")
    [hit] = match_upload(any_service, platform, mirrored["pdq"])
    assert hit["view"] == "mirror"

    person.press(TEXTS["done"]["look"])
    person.expect_heading(f"Case {number}")
    rows = person.page.locator("#case-images li")
    expect(rows.nth(0)).to_contain_text(TEXTS["case"]["none-found"])
    expect(rows.nth(1)).to_contain_text("Found 1 time")
    expect(person.page.locator("#case-platforms li")).to_contain_text(["Photo site"])

    person.press("Withdraw image 2")
    expect(person.button(TEXTS["case"]["no"])).to_be_focused()
    person.press(TEXTS["case"]["no"])
    assert proxy.api_requests("DELETE") == []
    person.press("Withdraw image 2")
    person.press(TEXTS["case"]["yes"])
    expect(rows.nth(1)).to_contain_text(TEXTS["case"]["withdrawn"])
    expect(person.page.locator("#case-status")).to_have_text(TEXTS["case"]["active"])
    assert match_upload(any_service, platform, mirrored["pdq"]) == []

    person.press(TEXTS["case"]["withdraw-all"])
    person.press(TEXTS["case"]["yes"])
    expect(person.page.locator("#case-status")).to_have_text(TEXTS["case"]["withdrawn"])
    assert [each.path.rpartition("/")[2] for each in proxy.api_requests("DELETE")] == ["2", number]
    platform.close()


def test_sending_again_after_a_lost_response_opens_no_second_case(
    person: Person, proxy: RecordingProxy
) -> None:
    proxy.drop_responses = 1
    person.start()
    person.choose(ONE)
    pin = person.review()["pin"]
    person.confirm_statements()
    person.press(TEXTS["check"]["send"])
    expect(
        person.page.get_by_role("alert").get_by_text(TEXTS["errors"]["no-answer"])
    ).to_be_visible()
    expect(person.button(TEXTS["page"]["back"])).to_be_disabled()
    person.press(TEXTS["errors"]["send-again"])
    number, kept = person.read_codes()
    assert kept == pin

    first, second = proxy.api_requests("POST")
    assert first.body == second.body
    keys = [re.findall(r"(?i)idempotency-key: (\w+)", each.headers) for each in (first, second)]
    assert keys[0] == keys[1]
    answer = httpx.post(
        f"{proxy.upstream}/v1/cases",
        content=first.body,
        headers={"Idempotency-Key": keys[0][0], "Content-Type": "application/json"},
    )
    assert (answer.status_code, answer.json()["case"]) == (200, number)


def test_a_request_without_an_answer_ends(person: Person, page: Page) -> None:
    page.clock.install()
    page.route("**/v1/cases/*", lambda _: None)
    with page.expect_request("**/v1/cases/*"):
        person.find_case("UN-7K4M-9QTX", "7K4M-9QTX-2HBD")
    page.clock.fast_forward(59_000)
    expect(page.locator("#find-submit")).to_be_disabled()
    page.clock.fast_forward(2_000)
    expect(page.locator("#find-error")).to_contain_text(TEXTS["errors"]["no-answer"])
    expect(page.locator("#find-submit")).to_be_enabled()


def test_minors_are_referred_to_other_services_and_cannot_submit(
    person: Person, proxy: RecordingProxy
) -> None:
    person.press(TEXTS["start"]["minor"])
    person.expect_heading(TEXTS["minor"]["title"])
    links = person.page.locator("#minor").get_by_role("link")
    hosts = [link.get_attribute("href") or "" for link in links.all()]
    assert [re.sub(r"https://([^/]+)/.*", r"\1", host) for host in hosts] == [
        "takeitdown.ncmec.org",
        "www.iwf.org.uk",
    ]
    expect(person.button(TEXTS["pick"]["go"])).to_have_count(0)
    assert proxy.api_requests("POST") == []


def test_nothing_is_sent_unless_all_is_ticked(person: Person, proxy: RecordingProxy) -> None:
    person.start()
    person.choose(ONE)
    person.review()
    alert = person.page.get_by_role("alert")
    for left_out in ("adult", "depicted", "without_consent"):
        person.confirm_statements()
        box = person.page.get_by_label(TEXTS["check"][left_out])
        box.uncheck()
        person.press(TEXTS["check"]["send"])
        expect(alert.get_by_text(TEXTS["check"]["missing"])).to_be_visible()
        expect(box).to_be_focused()
    assert proxy.api_requests("POST") == []


def test_a_malformed_pin_and_a_wrong_pin_have_different_errors(person: Person) -> None:
    person.find_case("UN-7K4M-9QTX", "7K4M")
    alert = person.page.locator("#find-error")
    expect(alert).to_contain_text(TEXTS["errors"]["form-pin"])
    expect(person.page.get_by_label(TEXTS["case"]["pin"])).to_be_focused()
    person.page.get_by_label(TEXTS["case"]["pin"]).fill("7k4m 9qtx 2hbd")
    person.press(TEXTS["case"]["look"])
    expect(alert).to_contain_text(TEXTS["errors"]["case-not-found"])


def test_codes_are_accepted_as_people_type_them(person: Person) -> None:
    person.start()
    person.choose(ONE)
    person.review()
    number, pin = person.submit()
    person.page.on("dialog", lambda dialog: dialog.accept())
    person.page.reload()
    person.find_case(f" {number.lower()[3:].replace('0', 'o')} ", pin.lower().replace("-", " "))
    person.expect_heading(f"Case {number}")


def test_an_unknown_problem_is_shown_with_the_services_text(
    person: Person, proxy: RecordingProxy
) -> None:
    def refuse(route: Any) -> None:
        problem = {
            "type": "urn:unseen:problem:made-up",
            "title": "T",
            "status": 422,
            "detail": "Do this instead.",
        }
        route.fulfill(status=422, content_type="application/problem+json", body=json.dumps(problem))

    person.page.route("**/v1/cases", refuse)
    person.start()
    person.choose(ONE)
    person.review()
    person.confirm_statements()
    person.press(TEXTS["check"]["send"])
    expect(person.page.locator("#check-error")).to_contain_text("Do this instead.")
    expect(person.button(TEXTS["page"]["back"])).to_be_enabled()


def test_an_image_refused_by_the_service_is_marked_and_left_out(person: Person) -> None:
    problem = {
        "type": "urn:unseen:problem:known-benign",
        "detail": "It is harmless.",
        "errors": [{"at": f"images.1.hashes.{n}.pdq", "detail": "harmless"} for n in (0, 3)],
    }
    answer = {"content_type": "application/problem+json", "body": json.dumps(problem)}
    person.page.route("**/v1/cases", lambda route: route.fulfill(status=422, **answer))
    person.start()
    person.choose(ONE, TWO)
    person.review()
    person.confirm_statements()
    person.press(TEXTS["check"]["send"])
    expect(person.page.locator("#check-error")).to_contain_text(TEXTS["errors"]["known-benign"])
    person.press(TEXTS["page"]["back"])
    marked = person.picker.locator("li.refused")
    expect(marked).to_have_count(1)
    expect(marked).to_contain_text("two.jpg")
    expect(marked).to_contain_text(TEXTS["picker"]["refused-service"])
    assert len(person.review()["images"]) == 1


DAY = "2026-11-22T13:40:00Z"
CASE = {
    "case": "UN-7K4M-9QTX",
    "status": "active",
    "submitted_at": DAY,
    "images": [
        {"image": 1, "status": "under_review", "matches": 0, "last_match_at": None},
        {"image": 2, "status": "withdrawn", "matches": 1, "last_match_at": DAY},
        {"image": 3, "status": "unknown_status", "matches": 2, "last_match_at": DAY},
    ],
    "platforms": [
        {
            "platform": "Photo site",
            "matches": 2,
            "last_match_at": DAY,
            "delivered_at": DAY,
            "feedback": "removed",
            "removed_at": DAY,
            "withdrawal_confirmed_at": DAY,
        },
        {"platform": "Video site", "matches": 0, "delivered_at": DAY, "feedback": "pending-review"},
        {"platform": "Chat", "matches": 1, "last_match_at": DAY, "feedback": "not-intimate"},
        {"platform": "Forum", "matches": 1, "last_match_at": DAY, "feedback": "unknown-feedback"},
    ],
}


def test_each_platforms_actions_are_shown_as_sentences(person: Person) -> None:
    answer = {"content_type": "application/json", "body": json.dumps(CASE)}
    person.page.route("**/v1/cases/*", lambda route: route.fulfill(**answer))
    person.find_case("UN-7K4M-9QTX", "7K4M-9QTX-2HBD")
    images = person.page.locator("#case-images li")
    texts, date = TEXTS["case"], "22 November 2026"
    expect(images.nth(0)).to_contain_text(texts["under_review"])
    expect(images.nth(0)).to_contain_text(texts["under_review-about"])
    expect(images.nth(2)).to_contain_text("unknown status")
    expect(images.get_by_role("button")).to_have_count(2)
    shown = [each.locator("p").all_text_contents() for each in platform_rows(person)]
    assert shown == [
        [
            texts["delivered"].format(date=date),
            texts["found"]["other"].format(n=2, date=date),
            texts["removed"].format(date=date),
            texts["confirmed"].format(date=date),
        ],
        [
            texts["delivered"].format(date=date),
            texts["none-found"],
            texts["pending-review"],
            texts["unconfirmed"],
        ],
        [texts["found"]["one"].format(n=1, date=date), texts["not-intimate"]],
        [texts["found"]["one"].format(n=1, date=date)],
    ]
    for language in ("de", "es", "fr"):
        person.page.get_by_role("combobox").select_option(language)
        expect(platform_rows(person)[0].locator("p")).to_have_count(4)


def platform_rows(person: Person) -> list[Locator]:
    return person.page.locator("#case-platforms li").all()


def test_codes_can_be_copied_saved_and_printed(person: Person, page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.add_init_script("self.print = () => (self.printed = true)")
    page.reload()
    person.start()
    person.choose(ONE)
    person.review()
    number, pin = person.submit()
    expect(page.get_by_text(TEXTS["done"]["lead"])).to_be_visible()
    with page.expect_download() as waiting:
        person.press(TEXTS["done"]["save"])
    saved = Path(waiting.value.path()).read_text("utf-8")
    assert waiting.value.suggested_filename == f"{number}.txt"
    assert saved == TEXTS["done"]["text"].format(number=number, pin=pin)
    person.press(TEXTS["done"]["copy"])
    expect(page.get_by_text(TEXTS["done"]["copied"])).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == saved
    person.press(TEXTS["done"]["print"])
    assert page.evaluate("self.printed")


def test_closing_the_page_warns_only_if_work_would_be_lost(person: Person, page: Page) -> None:
    asked: list[str] = []

    def answer(dialog: Any) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", answer)
    page.reload()
    assert asked == []
    person.start()
    person.choose(ONE)
    page.reload()
    assert asked == ["beforeunload"]


def test_images_can_be_dropped_and_removed(person: Person) -> None:
    person.start()
    dropped = """(drop, [name, bytes]) => {
        const data = new DataTransfer();
        data.items.add(new File([new Uint8Array(bytes)], name));
        drop.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true }));
    }"""
    person.picker.locator("#drop").evaluate(dropped, ["a.jpg", list(photo(1))])
    expect(person.picker.locator("li.ready")).to_have_count(1)
    expect(person.button(TEXTS["pick"]["go"])).to_be_enabled()
    person.picker.get_by_role("button", name="Remove a.jpg").press("Enter")
    expect(person.button(TEXTS["pick"]["go"])).to_be_disabled()


def test_opened_from_a_file_it_saves_a_submission_for_the_command(
    offline: Person, any_service: RunningService, tmp_path: Path
) -> None:
    offline.start()
    pixels: Pixels = scene(8, 300, 400)
    offline.choose(file("one.png", encode(pixels)))
    shown = offline.review()
    offline.confirm_statements()
    with offline.page.expect_download() as waiting:
        offline.press(TEXTS["check"]["save"])
    offline.expect_heading(TEXTS["saved"]["title"])
    saved = tmp_path / "submission.json"
    waiting.value.save_as(saved)
    prepared = Submission.load(saved)
    assert prepared.body == shown
    assert prepared.server is None
    assert prepared.pin == offline.page.locator("#saved-pin").inner_text()
    answer = httpx.post(
        f"{any_service.url}/v1/cases",
        json=dict(prepared.body),
        headers={"Idempotency-Key": prepared.idempotency_key},
    )
    assert answer.status_code == 201
    assert len(turned_views(pixels)) == answer.json()["images"][0]["hashes"]
