"""The page as a file: up to date, small, strict headers, translations, quick exit, no storage."""

import gzip
import json
import re
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from unseen_service.pages import person_page

from clients.browser import assemble
from tests.support.running_service import RunningService

from .drawn_images import photo
from .person import EXIT_URL, TEXTS, Person, file

FOLDER = Path(assemble.__file__).parent / "texts"
LANGUAGES = sorted(path.stem for path in FOLDER.glob("*.json"))
CASE_TEXTS = {
    f"case.{status}" for status in ("active", "declined", "under_review", "withdrawn")
} | {f"case.{opinion}" for opinion in ("pending-review", "not-removed", "not-intimate")}


def test_the_committed_page_is_up_to_date() -> None:
    fresh = assemble.assemble(assemble.read_sources())
    assert assemble.TARGET.read_text("utf-8") == fresh, "run `make page`, and commit the result"


def test_the_page_is_small(any_service: RunningService) -> None:
    with httpx.stream("GET", f"{any_service.url}/", headers={"Accept-Encoding": "gzip"}) as got:
        sent = b"".join(got.iter_raw())
        headers = got.headers
    assert len(sent) < 42_000
    without_texts = re.sub(rb"const TEXTS = .*", b"", person_page().html)
    assert len(without_texts) < 88_000, "the program itself, uncompressed"
    assert gzip.decompress(sent) == person_page().html
    assert headers["content-encoding"] == "gzip"
    plain = httpx.get(f"{any_service.url}/", headers={"Accept-Encoding": "identity"})
    assert plain.content == person_page().html


def test_the_headers_are_strict(any_service: RunningService) -> None:
    headers = httpx.get(f"{any_service.url}/").headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "frame-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert not re.search(r"unsafe|\*|https?:", policy)
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert "set-cookie" not in headers


def test_every_other_response_has_the_strictest_policy(any_service: RunningService) -> None:
    for path in ("/healthz", "/v1/cases/UN-0000-0000", "/nowhere"):
        policy = httpx.get(f"{any_service.url}{path}").headers["content-security-policy"]
        assert policy == "default-src 'none'; frame-ancestors 'none'", path


def test_translations_have_the_same_placeholders() -> None:
    def flat(language: str) -> dict[str, str]:
        texts = json.loads((FOLDER / f"{language}.json").read_text("utf-8"))
        return {
            f"{section}.{key}": json.dumps(text)
            for section, own in texts.items()
            if isinstance(own, dict)
            for key, text in own.items()
        }

    english = flat("en")
    for language in LANGUAGES:
        for key, text in flat(language).items():
            placeholders = [set(re.findall(r"\{(\w+)\}", each)) for each in (english[key], text)]
            assert placeholders[0] == placeholders[1], (language, key)
    assert {"de", "en", "es", "fr"} <= set(LANGUAGES)


def test_a_missing_translation_is_an_error() -> None:
    sources = assemble.read_sources()
    sources["texts/fr.json"] = sources["texts/fr.json"].replace('"title"', '"titel"', 1)
    with pytest.raises(SystemExit, match=r"texts/fr\.json.*titel"):
        assemble.assemble(sources)


def test_every_text_is_used_and_every_used_text_exists() -> None:
    sources = assemble.read_sources()
    code = "".join(text for name, text in sources.items() if not name.startswith("texts/"))
    english = json.loads(sources["texts/en.json"])
    for section, texts in english.items():
        for key in texts if isinstance(texts, dict) else []:
            name = key if section == "picker" else f"{section}.{key}"
            built = section == "errors" or key.startswith(("refused-", "summary-"))
            is_value = f"{section}.{key}".removesuffix("-about") in CASE_TEXTS | {"picker.waiting"}
            assert built or is_value or f'"{name}"' in code, f"{section}.{key} is not used"
    for name in re.findall(r'(?:\bt\(|data-i18n=|data-i18n-label=)"([a-z-]+)\.([\w-]+)"', code):
        assert name[1] in english[name[0]], name


def test_the_page_uses_the_browsers_language(browser: Browser, any_service: RunningService) -> None:
    for language in LANGUAGES:
        page = browser.new_page(locale=f"{language}-CH")
        page.goto(any_service.url)
        for spoken in (language, "fr"):
            if spoken != language:
                page.get_by_role("combobox").select_option(spoken)
            texts = json.loads((FOLDER / f"{spoken}.json").read_text("utf-8"))
            heading = page.get_by_role("heading", level=1)
            expect(heading).to_have_text(texts["start"]["title"])
            expect(page.locator("html")).to_have_attribute("lang", spoken)
            drop_text = page.frame_locator("#picker").locator("#drop-text")
            expect(drop_text).to_have_text(texts["picker"]["drop"])
        page.close()


@pytest.mark.parametrize("reason", ["no scripts", "an old browser", "an error"])
def test_where_the_script_cannot_run_the_page_says_so_in_every_language(
    browser: Browser, tmp_path: Path, reason: str
) -> None:
    sources = assemble.read_sources()
    if reason == "an old browser":
        sources["page/main.js"] += "syntax of later years"
    if reason == "an error":
        sources["page/i18n.js"] += "throw new Error();"
    path = tmp_path / "page.html"
    path.write_text(assemble.assemble(sources), "utf-8")
    page = browser.new_page(java_script_enabled=reason != "no scripts")
    page.goto(path.as_uri())
    for language in LANGUAGES:
        text = json.loads((FOLDER / f"{language}.json").read_text("utf-8"))["not-running"]
        shown = page.get_by_text(text)
        expect(shown).to_be_visible()
        expect(shown).to_have_attribute("lang", language)
    assert [each.inner_text() for each in page.locator("button:visible").all()] == []
    page.close()


def test_the_text_for_browsers_without_the_script_is_taken_away(person: Person) -> None:
    expect(person.page.locator("#not-running")).to_have_count(0)
    expect(person.page.locator("header")).to_be_visible()
    expect(person.page.locator("footer")).to_be_visible()


@pytest.mark.parametrize("way", ["button", "key", "key in the frame"])
def test_quick_exit_replaces_the_page_by_another_site(
    person: Person, context: BrowserContext, way: str
) -> None:
    context.route(EXIT_URL, lambda route: route.fulfill(body="<h1>Elsewhere</h1>"))
    page = person.page
    person.start()
    person.choose(file("one.jpg", photo(1)))
    if way == "button":
        page.get_by_role("button", name="Leave now").click()
    elif way == "key":
        page.keyboard.press("Escape")
    else:
        person.picker.locator("input[type=file]").press("Escape")
    expect(page).to_have_url(EXIT_URL)
    page.go_forward()
    expect(page).to_have_url(EXIT_URL)
    for _ in range(3):
        page.go_back()
        expect(page).not_to_have_url(re.compile("127.0.0.1"))


def test_nothing_is_stored_on_the_device(person: Person, context: BrowserContext) -> None:
    person.start()
    person.choose(file("one.jpg", photo(1)))
    person.review()
    person.submit()
    assert context.cookies() == []
    assert person.page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]
    assert person.page.evaluate("indexedDB.databases().then((all) => all.length)") == 0
    assert person.page.evaluate("caches.keys().then((all) => all.length)") == 0


def test_malformed_messages_from_the_picker_are_ignored(page: Page) -> None:
    def hashed(image: object = 1, **changes: object) -> object:
        good = {"pdq": "0" * 64, "quality": 99, "view": "original"}
        return {"kind": "hashed", "image": image, "hashes": [good | changes]}

    person = Person(page)
    person.start()
    continue_button = person.button(TEXTS["pick"]["go"])
    bad = [
        hashed(pdq="x" * 64),
        hashed(pdq="0" * 65),
        hashed(quality=49),
        hashed(quality="99"),
        hashed(view="secret"),
        hashed(image="a"),
        {"kind": "hashed", "image": 1, "hashes": []},
        {"kind": "toString"},
    ]
    for message in bad:
        page.frames[1].evaluate("(message) => parent.postMessage(message, '*')", message)
    page.wait_for_timeout(100)
    expect(continue_button).to_be_disabled()
    page.frames[1].evaluate("(message) => parent.postMessage(message, '*')", hashed())
    expect(continue_button).to_be_enabled()


def test_messages_from_elsewhere_are_ignored(page: Page) -> None:
    person = Person(page)
    person.start()
    good = {"pdq": "0" * 64, "quality": 99, "view": "original"}
    message = {"kind": "hashed", "image": 1, "hashes": [good]}
    page.evaluate("(message) => postMessage(message, '*')", message)
    page.evaluate("new Promise((done) => setTimeout(done, 50))")
    expect(person.button(TEXTS["pick"]["go"])).to_be_disabled()
