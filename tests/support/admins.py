"""The first two admins of a service, and the keys that they issue together over HTTP."""

from dataclasses import dataclass, field
from typing import Any

import httpx

from .cli import run
from .holder_keys import HolderKey
from .waiting import PATIENCE_S, wait_until


@dataclass(frozen=True)
class Admins:
    """Two admins with keys that they made themselves, created on the command line."""

    url: str
    first: HolderKey = field(default_factory=HolderKey)
    second: HolderKey = field(default_factory=HolderKey)

    @classmethod
    def bootstrap(cls, url: str, *options: str, **environment: str) -> "Admins":
        """Create them at a running service; `options` and `environment` name its database."""
        admins = cls(url)
        named = [
            word
            for name, key in (("Ada", admins.first), ("Ben", admins.second))
            for word in ("--admin", name, key.digest)
        ]
        created = run("keys", "bootstrap", *named, *options, **environment)
        assert created.returncode == 0, created.stderr
        for key in admins.first, admins.second:
            wait_until(lambda key=key: key.activate(url).is_success)  # type: ignore[misc]
        wait_until(lambda: admins.first.activate(url).json()["status"] == "in-force")
        return admins

    def active_key(self, platform: str, *scopes: str) -> str:
        """Issue, activate and approve a key. Return its secret."""
        made = HolderKey()
        new = self.post(self.first, "/v1/keys", made.body(platform, *scopes))
        wait_until(lambda: made.activate(self.url).is_success)
        if made.activate(self.url).json()["status"] == "pending":
            self.post(self.second, f"/v1/keys/{new.json()['id']}/approve")
        return made.secret

    def post(self, by: HolderKey, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        """Send a request as one of them."""
        answers: list[httpx.Response] = []

        def is_answered() -> bool:
            # A worker that has not heard of an admin's key yet refuses it.
            url = f"{self.url}{path}"
            answers.append(httpx.post(url, json=body, headers=by.headers, timeout=PATIENCE_S))
            return answers[-1].status_code != 401

        wait_until(is_answered)
        assert answers[-1].is_success, answers[-1].text
        return answers[-1]
