"""One call to a server, with the blocking and with the asynchronous client."""

import asyncio
from collections.abc import Callable
from typing import Any

from unseen import AsyncClient, Client, Retry

QUICK = Retry(attempts=3, first_wait=0.01)
Run = Callable[..., Any]


def blocking(
    server: str, call: str, *arguments: Any, key: str | None = None, **options: Any
) -> Any:
    with Client(server, key, **{"retry": QUICK, **options}) as client:
        return getattr(client, call)(*arguments)


def awaited(server: str, call: str, *arguments: Any, key: str | None = None, **options: Any) -> Any:
    async def run() -> Any:
        async with AsyncClient(server, key, **{"retry": QUICK, **options}) as client:
            return await getattr(client, call)(*arguments)

    return asyncio.run(run())
