"""A platform that keeps a copy of the feed, and the persons whose hashes are in it."""

from typing import Any

import httpx

from tests.support import PATIENCE_S, PIN, Service, submission

HEADERS = {"Unseen-Pin": PIN}


class Mirror:
    """A platform's copy: what docs/feed.md tells it to do, and nothing else."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self.kept: dict[str, str] = {}
        self.cursor: str | None = None
        self.entries: list[dict[str, Any]] = []

    def page(self, **asked: Any) -> dict[str, Any]:
        cursor = {"cursor": self.cursor} if self.cursor else {}
        answer = self._client.get("/v1/hashes", params={**cursor, **asked})
        assert answer.status_code == 200, answer.text
        page: dict[str, Any] = answer.json()
        for entry in page["entries"]:
            self.kept.pop(entry["record"], None)
            if entry["status"] == "active":
                self.kept[entry["record"]] = entry["pdq"]
        self.entries += page["entries"]
        self.cursor = page["cursor"]
        return page

    def catch_up(self, limit: int = 1_000) -> "Mirror":
        while self.page(limit=limit)["more"]:
            pass
        return self


def submit(service: Service, *pdqs: str) -> dict[str, Any]:
    answer = httpx.post(f"{service.url}/v1/cases", json=submission(*pdqs), timeout=PATIENCE_S)
    assert answer.status_code == 201
    case: dict[str, Any] = answer.json()
    return case


def withdraw(service: Service, case: dict[str, Any]) -> dict[str, Any]:
    answer = httpx.delete(
        f"{service.url}/v1/cases/{case['case']}", headers=HEADERS, timeout=PATIENCE_S
    )
    assert answer.status_code == 200
    withdrawn: dict[str, Any] = answer.json()
    return withdrawn


def status(service: Service, case: dict[str, Any]) -> list[dict[str, Any]]:
    answer = httpx.get(f"{service.url}/v1/cases/{case['case']}", headers=HEADERS)
    platforms: list[dict[str, Any]] = answer.json()["platforms"]
    return platforms
