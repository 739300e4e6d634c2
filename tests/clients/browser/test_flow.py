"""What a person does at the page, from start to end, before a real service."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Locator, Page, expect
from unseen import Submission

from tests.support import Service

from .person import WORDS, Person, file
from .pictures import Pixels, encoded, photo, scene, views
from .relay import Relay

ONE, TWO = file("one.jpg", photo(1)), file("two.jpg", photo(2))
PIN = re.compile(r"[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){2}")


def in_thread(work: Any) -> Any:
    """Run what needs an event loop of its own; Playwright's is in this thread."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


def match(service: Service, client: httpx.Client, pdq: str) -> list[Any]:
    in_thread(service.wait_in_step)
    hits: list[Any] = client.post("/v1/match", json={"hashes": [pdq]}).json()["hits"]
    return hits


def test_from_images_to_a_case_that_platforms_match(
    person: Person, any_service: Service, relay: Relay
) -> None:
    person.begin()
    person.choose(ONE, TWO)
    shown = person.review()
    assert [len(image["hashes"]) for image in shown["images"]] == [8, 8]
    number, pin = person.submit()
    assert PIN.fullmatch(pin)

    [sent] = relay.calls("POST")
    assert json.loads(sent.body) == shown
    assert shown["pin"] == pin
    assert re.search(r"(?i)^idempotency-key: [0-9a-f]{32}$", sent.headers, re.MULTILINE)

    platform = in_thread(lambda: any_service.client("match", platform="Photo site"))
    mirrored = next(h for h in shown["images"][1]["hashes"] if h["view"] == "mirror")
    [hit] = match(any_service, platform, mirrored["pdq"])
    assert hit["view"] == "mirror"

    person.press(WORDS["done"]["look"])
    person.heading(f"Case {number}")
    rows = person.page.locator("#case-images li")
    expect(rows.nth(0)).to_contain_text(WORDS["case"]["none-found"])
    expect(rows.nth(1)).to_contain_text("Found 1 time")
    expect(person.page.locator("#case-platforms li")).to_contain_text(["Photo site"])

    person.press("Withdraw image 2")
    expect(person.button(WORDS["case"]["no"])).to_be_focused()
    person.press(WORDS["case"]["no"])
    assert relay.calls("DELETE") == []
    person.press("Withdraw image 2")
    person.press(WORDS["case"]["yes"])
    expect(rows.nth(1)).to_contain_text(WORDS["case"]["withdrawn"])
    expect(person.page.locator("#case-status")).to_have_text(WORDS["case"]["active"])
    assert match(any_service, platform, mirrored["pdq"]) == []

    person.press(WORDS["case"]["withdraw-all"])
    person.press(WORDS["case"]["yes"])
    expect(person.page.locator("#case-status")).to_have_text(WORDS["case"]["withdrawn"])
    assert [each.path.rpartition("/")[2] for each in relay.calls("DELETE")] == ["2", number]
    platform.close()


def test_a_lost_answer_is_repeated_and_makes_no_second_case(person: Person, relay: Relay) -> None:
    relay.lose_answers = 1
    person.begin()
    person.choose(ONE)
    pin = person.review()["pin"]
    person.agree()
    person.press(WORDS["check"]["send"])
    expect(
        person.page.get_by_role("alert").get_by_text(WORDS["trouble"]["no-answer"])
    ).to_be_visible()
    expect(person.button(WORDS["page"]["back"])).to_be_disabled()
    person.press(WORDS["trouble"]["send-again"])
    number, kept = person.codes()
    assert kept == pin

    first, second = relay.calls("POST")
    assert first.body == second.body
    keys = [re.findall(r"(?i)idempotency-key: (\w+)", each.headers) for each in (first, second)]
    assert keys[0] == keys[1]
    answer = httpx.post(
        f"{relay.upstream}/v1/cases",
        content=first.body,
        headers={"Idempotency-Key": keys[0][0], "Content-Type": "application/json"},
    )
    assert (answer.status_code, answer.json()["case"]) == (200, number)


def test_under_18_is_told_where_to_go_and_cannot_submit(person: Person, relay: Relay) -> None:
    person.press(WORDS["start"]["minor"])
    person.heading(WORDS["minor"]["title"])
    links = person.page.locator("#minor").get_by_role("link")
    hosts = [link.get_attribute("href") or "" for link in links.all()]
    assert [re.sub(r"https://([^/]+)/.*", r"\1", host) for host in hosts] == [
        "takeitdown.ncmec.org",
        "www.iwf.org.uk",
    ]
    expect(person.button(WORDS["pick"]["go"])).to_have_count(0)
    assert relay.calls("POST") == []


def test_nothing_is_sent_without_every_statement(person: Person, relay: Relay) -> None:
    person.begin()
    person.choose(ONE)
    person.review()
    alert = person.page.get_by_role("alert")
    for left_out in ("adult", "depicted", "without_consent"):
        person.agree()
        box = person.page.get_by_label(WORDS["check"][left_out])
        box.uncheck()
        person.press(WORDS["check"]["send"])
        expect(alert.get_by_text(WORDS["check"]["missing"])).to_be_visible()
        expect(box).to_be_focused()
    assert relay.calls("POST") == []


def test_a_wrong_pin_and_a_wrong_form_are_told_apart(person: Person) -> None:
    person.look_up("UN-7K4M-9QTX", "7K4M")
    alert = person.page.locator("#find-trouble")
    expect(alert).to_contain_text(WORDS["trouble"]["form-pin"])
    expect(person.page.get_by_label(WORDS["case"]["pin"])).to_be_focused()
    person.page.get_by_label(WORDS["case"]["pin"]).fill("7k4m 9qtx 2hbd")
    person.press(WORDS["case"]["look"])
    expect(alert).to_contain_text(WORDS["trouble"]["case-not-found"])


def test_codes_are_read_as_people_write_them(person: Person) -> None:
    person.begin()
    person.choose(ONE)
    person.review()
    number, pin = person.submit()
    person.page.on("dialog", lambda dialog: dialog.accept())
    person.page.reload()
    person.look_up(f" {number.lower()[3:].replace('0', 'o')} ", pin.lower().replace("-", " "))
    person.heading(f"Case {number}")


def test_a_problem_of_the_service_is_shown_in_its_words(person: Person, relay: Relay) -> None:
    def refuse(route: Any) -> None:
        problem = {
            "type": "urn:unseen:problem:made-up",
            "title": "T",
            "status": 422,
            "detail": "Do this instead.",
        }
        route.fulfill(status=422, content_type="application/problem+json", body=json.dumps(problem))

    person.page.route("**/v1/cases", refuse)
    person.begin()
    person.choose(ONE)
    person.review()
    person.agree()
    person.press(WORDS["check"]["send"])
    expect(person.page.locator("#check-trouble")).to_contain_text("Do this instead.")
    expect(person.button(WORDS["page"]["back"])).to_be_enabled()


def test_an_image_that_the_service_refuses_is_marked_in_the_list(person: Person) -> None:
    problem = {
        "type": "urn:unseen:problem:known-benign",
        "detail": "It is harmless.",
        "errors": [{"at": f"images.1.hashes.{n}.pdq", "detail": "harmless"} for n in (0, 3)],
    }
    answer = {"content_type": "application/problem+json", "body": json.dumps(problem)}
    person.page.route("**/v1/cases", lambda route: route.fulfill(status=422, **answer))
    person.begin()
    person.choose(ONE, TWO)
    person.review()
    person.agree()
    person.press(WORDS["check"]["send"])
    expect(person.page.locator("#check-trouble")).to_contain_text(WORDS["trouble"]["known-benign"])
    person.press(WORDS["page"]["back"])
    marked = person.frame.locator("li.refused")
    expect(marked).to_have_count(1)
    expect(marked).to_contain_text("two.jpg")
    expect(marked).to_contain_text(WORDS["frame"]["refused-service"])
    assert len(person.review()["images"]) == 1


DAY = "2026-11-22T13:40:00Z"
CASE = {
    "case": "UN-7K4M-9QTX",
    "status": "active",
    "submitted_at": DAY,
    "images": [
        {"image": 1, "status": "under_review", "matches": 0, "last_match_at": None},
        {"image": 2, "status": "withdrawn", "matches": 1, "last_match_at": DAY},
        {"image": 3, "status": "newer_than_this", "matches": 2, "last_match_at": DAY},
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
        {"platform": "Forum", "matches": 1, "last_match_at": DAY, "feedback": "newer-than-this"},
    ],
}


def test_what_each_platform_did_is_told_in_plain_words(person: Person) -> None:
    answer = {"content_type": "application/json", "body": json.dumps(CASE)}
    person.page.route("**/v1/cases/*", lambda route: route.fulfill(**answer))
    person.look_up("UN-7K4M-9QTX", "7K4M-9QTX-2HBD")
    images = person.page.locator("#case-images li")
    words, on = WORDS["case"], "22 November 2026"
    expect(images.nth(0)).to_contain_text(words["under_review"])
    expect(images.nth(0)).to_contain_text(words["under_review-about"])
    expect(images.nth(2)).to_contain_text("newer than this")
    expect(images.get_by_role("button")).to_have_count(2)
    told = [each.locator("p").all_text_contents() for each in platform_rows(person)]
    assert told == [
        [
            words["delivered"].format(date=on),
            words["found"]["other"].format(n=2, date=on),
            words["removed"].format(date=on),
            words["confirmed"].format(date=on),
        ],
        [
            words["delivered"].format(date=on),
            words["none-found"],
            words["pending-review"],
            words["unconfirmed"],
        ],
        [words["found"]["one"].format(n=1, date=on), words["not-intimate"]],
        [words["found"]["one"].format(n=1, date=on)],
    ]
    for language in ("de", "es", "fr"):
        person.page.get_by_role("combobox").select_option(language)
        expect(platform_rows(person)[0].locator("p")).to_have_count(4)


def platform_rows(person: Person) -> list[Locator]:
    return person.page.locator("#case-platforms li").all()


def test_the_codes_can_be_copied_saved_and_printed(person: Person, page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.add_init_script("self.print = () => (self.printed = true)")
    page.reload()
    person.begin()
    person.choose(ONE)
    person.review()
    number, pin = person.submit()
    expect(page.get_by_text(WORDS["done"]["lead"])).to_be_visible()
    with page.expect_download() as waiting:
        person.press(WORDS["done"]["save"])
    saved = Path(waiting.value.path()).read_text("utf-8")
    assert waiting.value.suggested_filename == f"{number}.txt"
    assert saved == WORDS["done"]["text"].format(number=number, pin=pin)
    person.press(WORDS["done"]["copy"])
    expect(page.get_by_text(WORDS["done"]["copied"])).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == saved
    person.press(WORDS["done"]["print"])
    assert page.evaluate("self.printed")


def test_closing_the_page_asks_while_something_would_be_lost(person: Person, page: Page) -> None:
    asked: list[str] = []

    def answer(dialog: Any) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", answer)
    page.reload()
    assert asked == []
    person.begin()
    person.choose(ONE)
    page.reload()
    assert asked == ["beforeunload"]


def test_images_can_be_dropped_and_removed(person: Person) -> None:
    person.begin()
    dropped = """(drop, [name, bytes]) => {
        const data = new DataTransfer();
        data.items.add(new File([new Uint8Array(bytes)], name));
        drop.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true }));
    }"""
    person.frame.locator("#drop").evaluate(dropped, ["a.jpg", list(photo(1))])
    expect(person.frame.locator("li.ready")).to_have_count(1)
    expect(person.button(WORDS["pick"]["go"])).to_be_enabled()
    person.frame.get_by_role("button", name="Remove a.jpg").press("Enter")
    expect(person.button(WORDS["pick"]["go"])).to_be_disabled()


def test_from_a_file_it_hashes_offline_and_saves_what_the_command_sends(
    offline: Person, any_service: Service, tmp_path: Path
) -> None:
    offline.begin()
    pixels: Pixels = scene(8, 300, 400)
    offline.choose(file("one.png", encoded(pixels)))
    shown = offline.review()
    offline.agree()
    with offline.page.expect_download() as waiting:
        offline.press(WORDS["check"]["save"])
    offline.heading(WORDS["saved"]["title"])
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
    assert len(views(pixels)) == answer.json()["images"][0]["hashes"]
