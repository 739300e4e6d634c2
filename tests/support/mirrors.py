"""A platform's copy of the hashes, kept as docs/feed.md describes it."""

from typing import Any

import httpx


class Mirror:
    """A reference mirror: it does what docs/feed.md requires, and nothing else."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self.kept: dict[str, str] = {}
        self.cursor: str | None = None
        self.entries: list[dict[str, Any]] = []

    def page(self, **parameters: Any) -> dict[str, Any]:
        """Read one page of the feed, from the last cursor on, and apply it."""
        cursor = {"cursor": self.cursor} if self.cursor else {}
        answer = self._client.get("/v1/hashes", params={**cursor, **parameters})
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
        """Read pages until there are no more."""
        while self.page(limit=limit)["more"]:
            pass
        return self
