"""The SDK with a real service and real photos."""

import asyncio
import json
from pathlib import Path

import httpx
import pytest
from PIL import ImageOps
from unseen import (
    VIEWS,
    AccessRefusedError,
    AsyncClient,
    Case,
    CaseNotFoundError,
    Client,
    Hit,
    KeyReusedError,
    Submission,
    fingerprint,
    fingerprint_views,
    make_pin,
    query_fingerprints,
)
from unseen.cli import main

from tests.clients.python.pictures import PHOTOS, jpeg, opened, photo
from tests.support.hashes import random_pdq
from tests.support.running_service import RunningService, serving


def submission_of_photos() -> Submission:
    images = [fingerprint_views(photo(name)) for name in PHOTOS]
    return Submission.of(images, adult=True, depicted=True, without_consent=True)


def test_framed_copies_are_found_by_their_parts(service: RunningService) -> None:
    framed = []
    for name in PHOTOS[:2]:
        image = opened(photo(name))
        canvas = ImageOps.expand(image, (0, image.height // 2), "black")
        framed.append(jpeg(canvas))
    with Client(service.url) as person, Client(service.url, service.key("match")) as platform:
        person.submit(submission_of_photos())
        service.wait_in_step()
        assert not platform.match([fingerprint(each) for each in framed]).hits
        images = [query_fingerprints(each) for each in framed]
        hits = platform.match_images(images).hits
        assert [(hit.query, hit.view) for hit in hits] == [(0, "original"), (1, "original")]

        async def ask() -> tuple[Hit, ...]:
            async with AsyncClient(service.url, service.key("match")) as client:
                return (await client.match_images(images)).hits

        assert asyncio.run(ask()) == hits
        # More than fit into one call.
        many = [[random_pdq(n)] for n in range(1_500)] + [[each.pdq for each in images[1]]]
        assert [hit.query for hit in platform.match_images(many).hits] == [1_500]


def test_cropped_copies_are_found_if_crops_were_submitted(
    service: RunningService, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = opened(photo(PHOTOS[0]))
    cropped = jpeg(ImageOps.crop(image, (image.width * 12 // 100, 0, 0, 0)))
    file = tmp_path / "photo.jpg"
    file.write_bytes(jpeg(image, 95))
    answers = ["--adult", "--depicted", "--without-consent"]
    sent = ["submit", str(file), "--server", service.url, *answers]
    with Client(service.url, service.key("match", "feed")) as platform:
        assert main(sent) == 0
        service.wait_in_step()
        assert not platform.match_images([query_fingerprints(cropped)]).hits
        assert main([*sent, "--crops"]) == 0
        service.wait_in_step()
        (hit,) = platform.match_images([query_fingerprints(cropped)]).hits
        assert hit.view == "crop-left-12"
        entries = [entry for page in platform.feed() for entry in page.entries]
        assert {entry.view for entry in entries} <= {*VIEWS, None}
    with serving(service.database_url, crops=0) as other:
        assert main(["submit", str(file), "--server", other.url, *answers, "--crops"]) != 0
    assert "does not take crops" in capsys.readouterr().err


def test_copies_of_photos_are_found_until_they_are_withdrawn(service: RunningService) -> None:
    submission = submission_of_photos()
    copies = []
    for name in PHOTOS:
        image = opened(photo(name))
        half = ImageOps.mirror(image).resize((image.width // 2, image.height // 2))
        copies.append(fingerprint(jpeg(half, 50), fast=True))
    with Client(service.url) as person, Client(service.url, service.key("match")) as platform:
        case = person.submit(submission)
        service.wait_in_step()
        hits = platform.match(copies).hits
        assert {(hit.query, hit.view) for hit in hits} == {(n, "mirror") for n in range(4)}
        assert all(hit.distance <= 31 for hit in hits)
        person.withdraw(case.case, submission.pin, 2)
        assert {hit.query for hit in platform.match(copies).hits} == {0, 2, 3}
        assert person.withdraw(case.case, submission.pin).status == "withdrawn"
        assert platform.match(copies).hits == ()


def test_repeating_a_submission_returns_the_same_case(service: RunningService) -> None:
    submission = submission_of_photos()
    with Client(service.url) as client:
        first, second = client.submit(submission), client.submit(submission)
        assert first == second
        changed = Submission({**submission.body, "pin": make_pin()}, submission.idempotency_key)
        with pytest.raises(KeyReusedError):
            client.submit(changed)
        with pytest.raises(CaseNotFoundError):
            client.status(first.case, make_pin())


def test_a_retry_after_a_lost_answer_returns_the_same_case(service: RunningService) -> None:
    """The service commits the submission, but its answer does not arrive."""
    submission = submission_of_photos()
    lost = []

    class Lossy(httpx.HTTPTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            response = super().handle_request(request)
            response.read()
            if not lost:
                lost.append(response)
                raise httpx.ReadError("the connection dropped", request=request)
            return response

    with Client(service.url, transport=Lossy()) as client:
        case = client.submit(submission)
    assert lost[0].status_code == 201
    assert json.loads(lost[0].content)["case"] == case.case


def test_the_asynchronous_client_sends_concurrent_lookups(service: RunningService) -> None:
    submission, key = submission_of_photos(), service.key("match")

    async def run() -> tuple[Case, list[tuple[Hit, ...]]]:
        async with AsyncClient(service.url, key) as client:
            case = await client.submit(submission)
            await asyncio.to_thread(service.wait_in_step)
            lookups = [client.match([fingerprint(photo(name))]) for name in PHOTOS]
            answers = await asyncio.gather(*lookups)
            await client.withdraw(case.case, submission.pin)
            status = await client.status(case.case, submission.pin)
        return status, [answer.hits for answer in answers]

    case, hits = asyncio.run(run())
    assert case.status == "withdrawn"
    assert [len(found) for found in hits] == [1, 1, 1, 1]
    assert {found[0].distance for found in hits} == {0}


def test_more_hashes_than_fit_in_one_request_are_looked_up(service: RunningService) -> None:
    submission = submission_of_photos()
    with Client(service.url, service.key("match")) as client:
        client.submit(submission)
        service.wait_in_step()
        queries = [random_pdq(seed) for seed in range(10_500)]
        queries[10_200] = fingerprint(photo(PHOTOS[0])).pdq.upper()
        assert [hit.query for hit in client.match(queries).hits] == [10_200]


def test_a_key_without_the_scope_is_refused(service: RunningService) -> None:
    with (
        Client(service.url, service.key("audit")) as client,
        pytest.raises(AccessRefusedError) as caught,
    ):
        client.match([random_pdq(1)])
    assert caught.value.slug == "scope-missing"


def test_the_documented_code_runs(
    service: RunningService,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = (Path(__file__).parents[2] / "docs" / "command.md").read_text(encoding="utf-8")
    section = text.split("## From Python")[1].split("## ")[0]
    lines = [line[4:] for line in section.splitlines() if line.startswith("    ")]
    (tmp_path / "holiday.jpg").write_bytes(jpeg(opened(photo(PHOTOS[0]))))
    monkeypatch.chdir(tmp_path)
    exec("\n".join(lines).replace("https://unseen.example", service.url), {})  # noqa: S102
    number, pin = capsys.readouterr().out.split()
    with Client(service.url) as client:
        assert client.status(number, pin).status == "withdrawn"
    assert Submission.load("kept.json").pin == pin
