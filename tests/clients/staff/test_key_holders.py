"""A new member of staff makes their key in the browser; two admins register and approve it."""

from playwright.sync_api import BrowserContext, Page, expect

from tests.clients.browser.axe import find_violations
from tests.support.holder_keys import HolderKey

from .conftest import History, StaffMember


def made_values(page: Page) -> list[str]:
    return [each.inner_text() for each in page.locator("#made-key dd").all()]


def test_key_is_made_registered_activated_and_approved_on_the_page(
    context: BrowserContext, history: History
) -> None:
    url = f"{history.service.url}/staff"
    newcomer = StaffMember(context.new_page())
    sent: list[str] = []
    newcomer.page.on("request", lambda request: sent.append(f"{request.url} {request.post_data}"))
    newcomer.page.goto(url)
    newcomer.page.get_by_text("I have no key yet").click()
    newcomer.button("Make a key").click()
    expect(newcomer.page.locator("#made-key dd")).to_have_count(3)
    secret, digest, fingerprint = made_values(newcomer.page)
    key = HolderKey(secret)
    assert (digest, fingerprint) == (key.digest, key.fingerprint), "as the service computes them"
    assert len(sent) == 1, "only the page itself was loaded"
    assert find_violations(newcomer.page) == []
    with newcomer.page.expect_download() as download:
        newcomer.button("Save the key").click()
    assert download.value.path().read_text() == f"{secret}\n"

    issuer = StaffMember(context.new_page())
    issuer.page.goto(url)
    issuer.sign_in(history.service.key("audit", "admin", platform="Staff"))
    issuer.open("Keys", "Platforms and keys")
    issuer.page.get_by_text("Register a key").click()
    issuer.page.get_by_label("Platform or member of staff").fill("Nora")
    issuer.page.get_by_label("audit: read what staff read").check()
    issuer.page.get_by_label("Digest").fill(digest)
    assert find_violations(issuer.page) == []
    issuer.button("Register").click()
    row = issuer.page.get_by_role("region", name="Keys of Nora").locator("tbody tr")
    expect(row.locator(".badge")).to_have_text("unused")
    expect(row).to_contain_text(fingerprint)

    newcomer.sign_in(secret)
    alert = newcomer.page.get_by_role("alert")
    expect(alert).to_contain_text("registered for Nora (audit)")
    expect(alert).to_contain_text(f"read them the fingerprint {fingerprint}")
    issuer.open("Overdue", "Overdue responses")
    issuer.open("Keys", "Platforms and keys")
    expect(row.locator(".badge")).to_have_text("pending")
    row.get_by_role("button", name="Approve").click()
    row.locator(".confirm").get_by_role("button", name="Approve", exact=True).click()
    expect(issuer.page.get_by_role("alert")).to_contain_text("You issued it")

    second = StaffMember(context.new_page())
    second.page.goto(url)
    second.sign_in(history.service.key("audit", "admin", platform="Other staff"))
    second.open("Keys", "Platforms and keys")
    row = second.page.get_by_role("region", name="Keys of Nora").locator("tbody tr")
    row.get_by_role("button", name="Approve").click()
    expect(row.locator(".confirm")).to_contain_text(f"Has the holder read you {fingerprint}?")
    row.locator(".confirm").get_by_role("button", name="Approve", exact=True).click()
    expect(row.locator(".badge")).to_have_text("active")

    newcomer.button("Sign in").click()
    expect(newcomer.page.get_by_role("heading", level=1)).to_have_text("Overview")
    assert secret not in newcomer.page.content()
    assert not any(secret in each for each in sent), "the key is in no address and no body"


def test_secret_known_to_its_issuer_is_marked(member: StaffMember, history: History) -> None:
    history.service.key("match", platform="Forum")
    member.open("Keys", "Platforms and keys")
    row = member.page.get_by_role("region", name="Keys of Forum").locator("tbody tr").first
    expect(row).to_contain_text("secret known to its issuer")


def test_holder_replaces_their_own_key_on_the_page(
    context: BrowserContext, history: History
) -> None:
    old = history.service.key("audit", platform="Rosa")
    member = StaffMember(context.new_page())
    sent: list[str] = []
    member.page.on("request", lambda request: sent.append(f"{request.url} {request.post_data}"))
    member.page.goto(f"{history.service.url}/staff")
    member.sign_in(old)
    member.page.get_by_text("Replace my key").click()
    member.button("Make a new key").click()
    new = member.page.locator("#next-key dd").first.inner_text()
    assert find_violations(member.page) == []
    with member.page.expect_download() as download:
        member.button("Save the new key").click()
    assert download.value.path().read_text() == f"{new}\n"
    member.button("Use the new key").click()
    expect(member.page.locator("#announcement")).to_contain_text("Your new key is in use")
    assert new not in member.page.content()
    assert not any(new in each for each in sent), "the key is in no address and no body"

    member.open("Overdue", "Overdue responses")
    member.button("Sign out").click()
    member.sign_in(old)
    expect(member.page.get_by_role("alert")).to_contain_text("key")
    member.sign_in(new)
    expect(member.page.get_by_role("heading", level=1)).to_have_text("Overview")
