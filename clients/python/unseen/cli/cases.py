"""`unseen status` and `unseen withdraw`: what a person does with a case number and a PIN."""

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from ..client import Client
from ..codes import read_case
from ..errors import InputError
from ..models import Case, CaseImage, CasePlatform
from . import prompts
from .exit_codes import Exit
from .output import Output


def status(options: argparse.Namespace, output: Output) -> Exit:
    """Print the status of a case, its images, and the platforms that found copies."""
    case = read_case(options.case)
    pin = prompts.pin()
    with Client(options.server, insecure=options.insecure) as client:
        _report(client.status(case, pin), output)
    return Exit.DONE


def withdraw(options: argparse.Namespace, output: Output) -> Exit:
    """Withdraw a case, or one image of it; copies are no longer matched from then on."""
    case = read_case(options.case)
    if not options.yes:
        prompts.require_terminal_to_withdraw()
    pin = prompts.pin()
    if not (options.yes or prompts.confirm_withdrawal(options.image)):
        raise InputError("Nothing was withdrawn.", hint="Everything stays as it is.")
    with Client(options.server, insecure=options.insecure) as client:
        found = client.withdraw(case, pin, options.image)
    with output.after("The withdrawal is done, but the case could not be printed."):
        _report(found, output)
    return Exit.DONE


def _report(case: Case, output: Output) -> None:
    withdrawn = f", withdrawn {_format_time(case.withdrawn_at)}" if case.withdrawn_at else ""
    submitted = _format_time(case.submitted_at)
    output.line(f"Case {case.case}: {case.status}, submitted {submitted}{withdrawn}")
    for image in case.images:
        output.line(_image_line(image))
    for platform in case.platforms:
        output.line(_platform_line(platform))
    if not case.platforms:
        output.line("  no platform has found a copy")
    output.document(_to_json(asdict(case)))


def _image_line(image: CaseImage) -> str:
    status = image.status.replace("_", " ")
    line = f"  image {image.image:<4} {status:9}  {_count_matches(image.matches)}"
    return line + (f", the last {_format_time(image.last_match_at)}" if image.last_match_at else "")


def _platform_line(platform: CasePlatform) -> str:
    return f"  {platform.platform}: " + ", ".join(_platform_events(platform))


def _platform_events(platform: CasePlatform) -> Iterator[str]:
    """Yield what a platform received, found and did so far."""
    if platform.delivered_at:
        yield f"has had the hashes since {_format_time(platform.delivered_at)}"
    if platform.matches or not platform.delivered_at:
        first, last = _format_time(platform.first_match_at), _format_time(platform.last_match_at)
        yield f"{_count_matches(platform.matches)}, first {first}, last {last}"
    if platform.removed_at:
        yield f"removed a copy {_format_time(platform.removed_at)}"
    if platform.feedback and platform.feedback != "removed":
        yield f"reports {platform.feedback}"
    if platform.withdrawal_confirmed_at:
        yield f"processed the withdrawal {_format_time(platform.withdrawal_confirmed_at)}"


def _count_matches(count: int) -> str:
    return f"{count} {'match' if count == 1 else 'matches'}"


def _format_time(moment: datetime | None) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC") if moment else "at an unknown time"


def _to_json(value: Any) -> Any:
    """Replace times by their text in JSON, at any depth."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, dict):
        return {name: _to_json(inner) for name, inner in value.items()}
    return [_to_json(inner) for inner in value] if isinstance(value, list | tuple) else value
