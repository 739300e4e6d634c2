"""What a person saved leads back: a submission is sent, a case file tells images apart."""

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from unseen import VIEWS, Submission, fingerprint_views

from .drawn_images import photo
from .leak_search import find_leaks
from .person import TEXTS, Person, file
from .recording_proxy import RecordingProxy

ONE, TWO = file("one.jpg", photo(21)), file("two.jpg", photo(22))
NOT_AN_IMAGE = file("notes.txt", b"no image")


def open_saved(person: Person, name: str, content: str | bytes) -> None:
    """From the start, open a file that was saved."""
    data = content if isinstance(content, bytes) else content.encode()
    person.press(TEXTS["start"]["have-file"])
    person.expect_heading(TEXTS["open"]["title"])
    expect(person.page.locator("#open-error")).to_be_empty()
    person.picker.locator("input[type=file]").set_input_files(file(name, data))


def download(person: Person, button: str) -> str:
    """Save a file by pressing a button; return its text."""
    with person.page.expect_download() as waiting:
        person.press(button)
    return Path(waiting.value.path()).read_text("utf-8")


def submit_two(person: Person) -> tuple[str, str]:
    """Submit two images, the first of which is in the list after a file that is none."""
    person.start()
    person.choose(NOT_AN_IMAGE, ONE, TWO)
    person.review()
    return person.submit()


def reload(person: Person) -> None:
    person.page.once("dialog", lambda dialog: dialog.accept())
    person.page.reload()


def test_a_submission_kept_as_a_file_is_sent_later_and_opens_one_case(
    person: Person, proxy: RecordingProxy
) -> None:
    proxy.drop_responses = 1
    person.start()
    person.choose(ONE)
    pin = person.review()["pin"]
    person.confirm_statements()
    person.press(TEXTS["check"]["send"])
    kept = download(person, TEXTS["errors"]["keep-file"])
    alert = person.page.locator("#check-error")
    expect(alert).to_contain_text(TEXTS["start"]["have-file"])
    reload(person)

    open_saved(person, "submission.json", kept)
    person.expect_heading(TEXTS["check"]["title"])
    assert person.shown_body() == json.loads(kept)["body"]
    number, shown_pin = person.submit()
    assert shown_pin == pin
    first, second = proxy.api_requests("POST")
    assert first.body == second.body
    reload(person)
    open_saved(person, "submission.json", kept)
    assert person.submit() == (number, pin)


def test_a_large_submission_has_more_time(person: Person, page: Page) -> None:
    page.clock.install()
    page.route("**/v1/cases", lambda _: None)
    hashes = [{"pdq": f"{n:064x}", "quality": 100, "view": "original"} for n in range(500)]
    images = [{"hashes": [each], "convention": "pdq-srgb-full-2"} for each in hashes]
    statements = dict.fromkeys(("adult", "depicted", "without_consent"), True)
    body = {"images": images, "statements": statements, "pin": "7K4M-9QTX-2HBD"}
    saved = {"unseen_submission": 1, "server": None, "idempotency_key": "k" * 22, "body": body}
    open_saved(person, "submission.json", json.dumps(saved))
    person.expect_heading(TEXTS["check"]["title"])
    person.confirm_statements()
    with page.expect_request("**/v1/cases") as sent:
        person.press(TEXTS["check"]["send"])
    more_ms = len(sent.value.post_data or "") // 5
    page.clock.fast_forward(60_000 + more_ms - 1_000)
    expect(page.locator("#send")).to_be_disabled()
    page.clock.fast_forward(2_000)
    expect(page.locator("#check-error")).to_contain_text(TEXTS["errors"]["no-answer-send"])
    expect(person.button(TEXTS["errors"]["send-again"])).to_be_enabled()


def test_a_saved_submission_can_be_left_without_sending(
    person: Person, proxy: RecordingProxy
) -> None:
    person.start()
    person.choose(ONE)
    body = person.review()
    saved = {"unseen_submission": 1, "server": None, "idempotency_key": "k" * 22, "body": body}
    reload(person)
    open_saved(person, "submission.json", json.dumps(saved))
    person.expect_heading(TEXTS["check"]["title"])
    person.press(TEXTS["page"]["back"])
    person.expect_heading(TEXTS["open"]["title"])
    person.press(TEXTS["page"]["back"])
    person.start()
    expect(person.button(TEXTS["pick"]["go"])).to_be_disabled()
    person.choose(TWO)
    assert person.review()["pin"] != body["pin"]
    assert proxy.api_requests("POST") == []


def test_a_submission_with_crops_is_sent_as_it_was_saved(
    person: Person, proxy: RecordingProxy, tmp_path: Path
) -> None:
    prints = fingerprint_views(photo(21), crops=True)
    assert len(prints) > len(VIEWS)
    submission = Submission.of([prints], adult=True, depicted=True, without_consent=True)
    submission.save(tmp_path / "prepared.json")
    open_saved(person, "prepared.json", (tmp_path / "prepared.json").read_text())
    person.expect_heading(TEXTS["check"]["title"])
    person.submit()
    [sent] = proxy.api_requests("POST")
    assert json.loads(sent.body) == submission.body


def altered(body: dict[str, Any]) -> dict[str, str]:
    """Return files that are not as they were saved, by what is wrong with them."""
    saved = {"unseen_submission": 1, "server": None, "idempotency_key": "k" * 22, "body": body}
    [image] = body["images"]
    longer = [{**image["hashes"][0], "pdq": image["hashes"][0]["pdq"] + "0"}]
    wrong: dict[str, dict[str, Any]] = {
        "version": {"unseen_submission": 2},
        "key": {"idempotency_key": "k"},
        "server": {"server": "elsewhere"},
        "pin": {"body": {**body, "pin": "1234"}},
        "no image": {"body": {**body, "images": []}},
        "no hash": {"body": {**body, "images": [{**image, "hashes": []}]}},
        "hash": {"body": {**body, "images": [{**image, "hashes": longer}]}},
        "convention": {"body": {**body, "images": [{**image, "convention": "<b>"}]}},
        "statement": {"body": {**body, "statements": {**body["statements"], "adult": "yes"}}},
        "body": {"body": None},
    }
    return {name: json.dumps({**saved, **change}) for name, change in wrong.items()}


def test_another_file_is_refused_and_nothing_of_it_is_sent(
    person: Person, proxy: RecordingProxy
) -> None:
    person.start()
    person.choose(ONE)
    body = person.review()
    reload(person)
    files: dict[str, str | bytes] = {
        **altered(body),
        "cut off": json.dumps({"unseen_submission": 1, "server": None})[:-3],
        "image": photo(3),
        "empty": b"",
        "number alone": "Case number: UN-7K4M-9QTX",
    }
    for name, content in files.items():
        open_saved(person, "submission.json", content)
        expect(person.page.locator("#open-error"), name).to_have_text(TEXTS["open"]["wrong"])
        person.press(TEXTS["page"]["back"])
        person.expect_heading(TEXTS["start"]["title"])
    other = {"unseen_submission": 1, "server": "https://other.example"}
    other |= {"idempotency_key": "k" * 22, "body": body}  # type: ignore[dict-item]
    open_saved(person, "submission.json", json.dumps(other))
    expect(person.page.locator("#open-error")).to_contain_text("https://other.example")
    assert [each for each in proxy.requests if "/v1/" in each.path] == []
    assert find_leaks(photo(3), [each.raw for each in proxy.requests]) == []


def test_each_picture_is_shown_beside_its_number_and_only_while_the_page_is_open(
    person: Person, page: Page
) -> None:
    submit_two(person)
    rows = person.picker.locator("li:visible")
    expect(rows).to_have_count(2)
    expect(rows.locator("canvas:visible")).to_have_count(2)
    texts = rows.all_inner_texts()
    assert ["Image 1" in texts[0], "one.jpg" in texts[0]] == [True, True]
    assert ["Image 2" in texts[1], "two.jpg" in texts[1]] == [True, True]
    expect(person.picker.get_by_role("button", name="Remove", exact=True)).to_have_count(0)
    expect(person.picker.locator("input[type=file]")).not_to_be_visible()
    drawn = "(canvas) => [canvas.width, canvas.height, canvas.toDataURL().length > 2000]"
    assert rows.locator("canvas").first.evaluate(drawn) == [128, 96, True]

    person.picker.get_by_role("button", name=TEXTS["picker"]["hide"]).press("Enter")
    expect(rows.locator("canvas:visible")).to_have_count(0)
    person.picker.get_by_role("button", name=TEXTS["picker"]["show"]).press("Enter")
    person.press(TEXTS["done"]["look"])
    expect(page.locator("#picker")).to_be_visible()
    expect(rows.locator("canvas:visible")).to_have_count(2)
    person.press(TEXTS["page"]["again"])
    expect(page.locator("#picker")).not_to_be_visible()
    person.start()
    expect(person.picker.get_by_role("listitem")).to_have_count(0)


def test_a_picture_is_in_no_message_of_the_frame(person: Person, page: Page) -> None:
    page.evaluate("""() => {
        self.messages = [];
        addEventListener("message", ({ data }) => self.messages.push(data));
    }""")
    submit_two(person)
    messages = page.evaluate("self.messages")
    assert {each["kind"] for each in messages} == {"height", "pending", "hashed"}
    allowed = {"kind", "px", "count", "image", "hashes"}
    assert all(each.keys() <= allowed for each in messages)


def test_a_case_that_was_found_shows_no_pictures_of_another(person: Person, page: Page) -> None:
    number, pin = submit_two(person)
    reload(person)
    person.find_case(number, pin)
    person.expect_heading(f"Case {number}")
    expect(page.locator("#picker")).not_to_be_visible()


@pytest.mark.parametrize("language", ["en", "fr"])
def test_labels_are_only_in_the_saved_text_and_are_shown_when_it_is_opened(
    person: Person, page: Page, proxy: RecordingProxy, language: str
) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    number, _ = submit_two(person)
    person.page.locator("#name-images summary").press("Enter")
    person.page.get_by_label("Image 2").fill("  la plage, 2024: «été» ")
    person.press(TEXTS["done"]["copy"])
    assert "plage" not in page.evaluate("navigator.clipboard.readText()")
    folder = Path(__file__).parents[3] / "clients" / "browser" / "texts"
    texts = json.loads((folder / f"{language}.json").read_text("utf-8"))
    page.get_by_role("combobox").select_option(language)
    saved = download(person, texts["done"]["save-labels"])
    assert saved.endswith("\n\nImage 2: la plage, 2024: «été»\n")
    page.get_by_role("combobox").select_option("en")
    person.press(TEXTS["done"]["look"])
    images = page.locator("#case-images li")
    expect(images.nth(1)).to_contain_text("la plage, 2024: «été»")
    reload(person)

    open_saved(person, f"{number}.txt", saved.replace("\n", "\r\n"))
    person.expect_heading(f"Case {number}")
    expect(images.nth(0).locator(".label")).to_have_count(0)
    expect(images.nth(1).locator(".label")).to_have_text("la plage, 2024: «été»")
    assert find_leaks("la plage, 2024: «été»".encode(), [each.raw for each in proxy.requests]) == []


def test_a_page_from_a_file_says_where_to_open_what_was_saved(offline: Person) -> None:
    open_saved(offline, "UN-7K4M-9QTX.txt", "Case number: UN-7K4M-9QTX\nPIN: 7K4M-9QTX-2HBD\n")
    expect(offline.page.locator("#open-error")).to_have_text(TEXTS["open"]["offline"])
