"""`unseen status` and `unseen withdraw`: what a person does with a case number and a PIN."""

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from ..client import Client
from ..codes import read_case
from ..models import Case, CaseImage, CasePlatform
from . import asking
from .exits import Exit
from .output import Output


def status(options: argparse.Namespace, output: Output) -> Exit:
    """Say where a case stands, image by image, and which platforms found copies."""
    case = read_case(options.case)
    pin = asking.pin()
    with Client(options.server, insecure=options.insecure) as client:
        _report(client.status(case, pin), output)
    return Exit.DONE


def withdraw(options: argparse.Namespace, output: Output) -> Exit:
    """Withdraw a case, or one image of it; copies are no longer matched from then on."""
    case = read_case(options.case)
    pin = asking.pin()
    with Client(options.server, insecure=options.insecure) as client:
        _report(client.withdraw(case, pin, options.image), output)
    return Exit.DONE


def _report(case: Case, output: Output) -> None:
    until = f", withdrawn {_when(case.withdrawn_at)}" if case.withdrawn_at else ""
    output.line(f"Case {case.case}: {case.status}, submitted {_when(case.submitted_at)}{until}")
    for image in case.images:
        output.line(_image_line(image))
    for platform in case.platforms:
        output.line(_platform_line(platform))
    if not case.platforms:
        output.line("  no platform has found a copy")
    output.document(_plain(asdict(case)))


def _image_line(image: CaseImage) -> str:
    status = image.status.replace("_", " ")
    line = f"  image {image.image:<4} {status:9}  {_times(image.matches, 'match', 'matches')}"
    return line + (f", the last {_when(image.last_match_at)}" if image.last_match_at else "")


def _platform_line(platform: CasePlatform) -> str:
    return f"  {platform.platform}: " + ", ".join(_happened(platform))


def _happened(platform: CasePlatform) -> Iterator[str]:
    """Say what a platform was handed, found and did, as far as it has."""
    if platform.delivered_at:
        yield f"has the hashes since {_when(platform.delivered_at)}"
    if platform.matches or not platform.delivered_at:
        found = _times(platform.matches, "match", "matches")
        first, last = _when(platform.first_match_at), _when(platform.last_match_at)
        yield f"{found}, first {first}, last {last}"
    if platform.removed_at:
        yield f"removed a copy {_when(platform.removed_at)}"
    if platform.feedback and platform.feedback != "removed":
        yield f"says {platform.feedback}"
    if platform.withdrawal_confirmed_at:
        yield f"let go of what was withdrawn {_when(platform.withdrawal_confirmed_at)}"


def _times(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def _when(moment: datetime | None) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC") if moment else "at no known time"


def _plain(value: Any) -> Any:
    """Turn times back into the text that JSON has for them."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value
