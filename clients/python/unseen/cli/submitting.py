"""`unseen submit`: hash, state, keep, send; whatever fails, the PIN and the case are not lost.

The submission is kept in a file before the first byte is sent, and the file is removed only
when the service has confirmed the case: a dropped connection, a power cut or a Ctrl-C leaves it.
"""

import argparse
import contextlib
import os
import shlex
from collections.abc import Iterator
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final

from ..client import Client
from ..errors import (
    ImageRefusedError,
    InputError,
    KeyReusedError,
    RequestRefusedError,
    UnseenError,
)
from ..hashing import Fingerprint
from ..models import Case
from ..submission import MAX_IMAGES, Submission, require_statements
from ..views import fingerprint_views
from ..work import Challenge
from . import asking
from .exits import Exit
from .files import Hashed, LeftOut, collect, hash_all
from .hashing import ended
from .output import Output

ALL_TRUE: Final = dict.fromkeys(asking.STATEMENTS, True)
REFUSED: Final = (RequestRefusedError, ImageRefusedError, KeyReusedError)


def submit(options: argparse.Namespace, output: Output) -> Exit:
    """Open a case for images, or send a prepared submission."""
    hashed: list[Hashed] = []
    left_out: list[LeftOut] = []
    if options.prepared:
        submission = Submission.load(options.prepared)
    else:
        submission, hashed, left_out = _made(options, output)
    if options.dry_run:
        return _show(submission, output)
    if options.prepare:
        return _keep(submission, Path(options.prepare), output)
    if options.prepared:
        case = _send(submission, Path(options.prepared), options, output)
    else:
        case = _send_new(submission, options, output)
    _report(case, submission, hashed, left_out, output)
    return ended(done=True, left_out=left_out)


def _made(
    options: argparse.Namespace, output: Output
) -> tuple[Submission, list[Hashed], list[LeftOut]]:
    """Ask for the statements, hash the images, and prepare a submission of them."""
    items = collect(options.files)
    if len(items) > MAX_IMAGES:
        raise InputError(
            f"A case holds at most {MAX_IMAGES} images; these are {len(items)}.",
            hint="Submit them in several cases, a folder at a time.",
        )
    stated = ALL_TRUE if options.dry_run else asking.statements(options)
    require_statements(stated)
    hashed, left_out = hash_all(items, _views, output)
    if not hashed:
        raise InputError(
            "None of the images can be submitted.", hint="The reason is given with each."
        )
    prints = (one.prints for one in hashed)
    return Submission.of(prints, server=options.server, **stated), hashed, left_out


def _views(path: Path) -> tuple[Fingerprint, ...]:
    """Hash a file's views, unless it is too flat to be submitted."""
    prints = fingerprint_views(path)
    prints[0].require_quality()
    return prints


def _show(submission: Submission, output: Output) -> Exit:
    """Print the exact JSON that would be sent, and send nothing."""
    output.json(submission.body)
    output.note("Nothing was sent. This is all that would be: hashes, never the images.")
    return Exit.DONE


def _keep(submission: Submission, path: Path, output: Output) -> Exit:
    """Write the submission to a file instead of sending it."""
    submission.save(path)
    output.line(f"Nothing was sent yet. To send it: {_command(path)}")
    output.document({"prepared": str(path)})
    return Exit.DONE


def _new_file(submission: Submission) -> Path:
    """Keep a submission in a new file, here or else in the home folder."""
    path = Path(f"unseen-submission-{submission.idempotency_key[:6].lower()}.json")
    try:
        submission.save(path)
    except InputError:
        path = Path.home() / path
        submission.save(path)
    return path


def _send_new(submission: Submission, options: argparse.Namespace, output: Output) -> Case:
    """Send a submission, kept in a new file until the service has accepted or refused it."""
    path = _new_file(submission)
    try:
        return _send(submission, path, options, output)
    except REFUSED:
        with contextlib.suppress(OSError):
            path.unlink()
        raise


def _send(submission: Submission, path: Path, options: argparse.Namespace, output: Output) -> Case:
    """Send a submission kept in a file, and remove the file when the case is confirmed."""
    server = options.server or submission.server or os.environ.get("UNSEEN_SERVER")
    if not server:
        raise InputError(
            "It is not known where to send this.", hint="Name the service: --server https://…"
        )
    told = partial(_say_why_it_takes, output)
    with _kept(path), Client(server, insecure=options.insecure, on_work=told) as client:
        case = client.submit(submission)
    with contextlib.suppress(OSError):
        path.unlink()
    return case


def _say_why_it_takes(output: Output, _: Challenge) -> None:
    output.note("The service is very busy. Your computer works for some seconds before it sends:")
    output.note("that keeps out floods, and needs nothing from you.")


@contextlib.contextmanager
def _kept(path: Path) -> Iterator[None]:
    """When no decision was heard, give as the hint how to send the same submission again."""
    again = (
        "Nothing is lost: the submission and its PIN are kept, for you alone to read.\n"
        f"  Send it again, as often as it takes: {_command(path)}"
    )
    try:
        yield
    except REFUSED:
        raise
    except UnseenError as error:
        error.hint = f"{error.hint}\n  {again}"
        raise
    except KeyboardInterrupt as error:
        raise KeyboardInterrupt(again) from error


def _command(path: Path) -> str:
    return f"unseen submit --from {shlex.quote(str(path))}"


def _report(
    case: Case,
    submission: Submission,
    hashed: list[Hashed],
    left_out: list[LeftOut],
    output: Output,
) -> None:
    """Say the case number and PIN, and which image has which number."""
    files = [str(one.path) for one in hashed]
    output.line(f"Case number  {case.case}")
    output.line(f"PIN          {submission.pin}")
    output.line()
    output.line("Write both down. Nobody can recover them, and there is no other way to")
    output.line("see what was found or to withdraw the case.")
    output.line()
    for number, image in enumerate(case.images):
        name = files[number] if number < len(files) else ""
        output.line(f"  image {image.image:<4} {image.hashes} hashes  {name}".rstrip())
    output.document(_document(case, submission, files, left_out))


def _document(
    case: Case, submission: Submission, files: list[str], left_out: list[LeftOut]
) -> dict[str, Any]:
    images = [
        {"image": image.image, "hashes": image.hashes, "file": file}
        for image, file in zip_longest(case.images, files)
        if image
    ]
    return {
        "case": case.case,
        "pin": submission.pin,
        "status": case.status,
        "images": images,
        "left_out": [one.document() for one in left_out],
    }
