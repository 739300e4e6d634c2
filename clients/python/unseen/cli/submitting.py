"""`unseen submit`: hash, confirm the statements, save, send; the PIN and the case are never lost.

The submission is saved in a file before the first byte is sent. The file is removed only when the
service has confirmed the case and its number and PIN have been printed, so a dropped connection, a
power cut, a Ctrl-C or a full disk leaves it.
"""

import argparse
import contextlib
import os
import shlex
import stat
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
from ..fingerprints import Fingerprint
from ..models import Case
from ..proof_of_work import Challenge
from ..submission import MAX_IMAGES, Submission, require_statements
from . import core_dumps, prompts
from .exit_codes import Exit
from .image_files import Hashed, LeftOut, choose_exit_code, collect, hash_all, report
from .output import Output
from .streams import StdoutError

ALL_TRUE: Final = dict.fromkeys(prompts.STATEMENTS, True)
REFUSED: Final = (RequestRefusedError, ImageRefusedError, KeyReusedError)


def submit(options: argparse.Namespace, output: Output) -> Exit:
    """Open a case for images, or send a prepared submission."""
    core_dumps.forbid()
    hashed: list[Hashed] = []
    left_out: list[LeftOut] = []
    if options.prepared:
        submission = Submission.load(options.prepared)
    else:
        submission, hashed, left_out = _prepare(options, output)
    if options.dry_run:
        return _show(submission, output, is_new=not options.prepared)
    if options.prepare:
        return _save(submission, Path(options.prepare), output)
    path, case = _send(submission, options, output)
    with _removed_when_printed(path, output):
        _report(case, submission, hashed, left_out, output)
    return choose_exit_code(is_done=True, left_out=left_out)


def _prepare(
    options: argparse.Namespace, output: Output
) -> tuple[Submission, list[Hashed], list[LeftOut]]:
    """Ask for the statements, hash the images, and prepare a submission of them.

    Files that cannot be read are found before anything is asked.
    """
    items = collect(options.files)
    if len(items) > MAX_IMAGES:
        raise InputError(
            f"A case holds at most {MAX_IMAGES} images, and these are {len(items)}.",
            hint="Submit them in several cases, one folder at a time.",
        )
    unreadable = [item for item in items if isinstance(item, LeftOut)]
    if len(unreadable) == len(items):
        report(unreadable, output)
        raise _nothing_to_submit()
    statements = ALL_TRUE if options.dry_run else prompts.statements(options)
    require_statements(statements)
    hashed, left_out = hash_all(items, _hash_views, output)
    if not hashed:
        raise _nothing_to_submit()
    prints = (one.prints for one in hashed)
    return Submission.of(prints, server=options.server, **statements), hashed, left_out


def _nothing_to_submit() -> InputError:
    return InputError("None of the images can be submitted.", hint="The reason is given for each.")


def _hash_views(path: Path) -> tuple[Fingerprint, ...]:
    """Hash a file's views, unless it is too flat to be submitted."""
    from ..hashing import fingerprint_views  # noqa: PLC0415 - a saved submission needs no hashing

    prints = fingerprint_views(path)
    prints[0].require_quality()
    return prints


def _show(submission: Submission, output: Output, *, is_new: bool) -> Exit:
    """Print the exact JSON that would be sent, and send nothing."""
    output.json(submission.body)
    output.note("Nothing was sent. This is all that would be sent: hashes, never the images.")
    if is_new:
        output.note("Do not keep this PIN: when you submit, a new one is made.")
    return Exit.DONE


def _save(submission: Submission, path: Path, output: Output) -> Exit:
    """Write the submission to a file instead of sending it."""
    submission.save(path)
    output.line(f"Nothing was sent yet. To send it: {_command(path)}")
    output.document({"prepared": str(path)})
    return Exit.DONE


def _save_in_new_file(submission: Submission) -> Path:
    """Save a submission in a new file, in this folder or else in the home folder.

    The home folder also if others could replace the file here by one with a PIN of theirs.
    """
    path = Path(f"unseen-submission-{submission.idempotency_key[:6].lower()}.json")
    try:
        if _others_can_replace_files_in(Path.cwd()):
            raise InputError("Other accounts could replace the file.")
        submission.save(path)
    except InputError:
        path = Path.home() / path
        submission.save(path)
    return path


def _others_can_replace_files_in(folder: Path) -> bool:
    """Return whether every account may write there and remove what is not its own."""
    mode = folder.stat().st_mode
    return os.name == "posix" and bool(mode & stat.S_IWOTH) and not mode & stat.S_ISVTX


def _send(submission: Submission, options: argparse.Namespace, output: Output) -> tuple[Path, Case]:
    """Send a submission that is saved in a file; return the file, which is kept, and the case."""
    server = options.server or submission.server or os.environ.get("UNSEEN_SERVER")
    if not server:
        raise InputError("No server given.", hint="Give its address: --server https://…")
    path = Path(options.prepared) if options.prepared else _save_in_new_file(submission)
    on_work = partial(_explain_work, output)
    try:
        with (
            _hint_to_resend(path),
            Client(server, insecure=options.insecure, on_work=on_work) as client,
        ):
            return path, client.submit(submission)
    except REFUSED:
        if not options.prepared:
            _remove(path)
        raise


def _explain_work(output: Output, _: Challenge) -> None:
    output.note("The service is very busy. Your computer works for some seconds before it sends:")
    output.note("this keeps out floods of submissions. You do not need to do anything.")


@contextlib.contextmanager
def _hint_to_resend(path: Path) -> Iterator[None]:
    """When the service's decision is unknown, hint at how to send the same submission again."""
    hint = (
        "Nothing is lost: the submission and its PIN are saved in a file that only you can read.\n"
        f"  Send it again, as often as necessary: {_command(path)}"
    )
    try:
        yield
    except REFUSED:
        raise
    except UnseenError as error:
        error.hint = f"{error.hint}\n  {hint}"
        raise
    except KeyboardInterrupt as error:
        raise KeyboardInterrupt(hint) from error


@contextlib.contextmanager
def _removed_when_printed(path: Path, output: Output) -> Iterator[None]:
    """Remove the file of a confirmed submission, unless its PIN could not be printed."""
    try:
        yield
    except StdoutError:
        output.note("unseen: The case is open, but its number and PIN could not be printed.")
        output.note(f"  To see them, send the same submission again: {_command(path)}")
        raise
    _remove(path)


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()


def _command(path: Path) -> str:
    return f"unseen submit --from {shlex.quote(str(path))}"


def _report(
    case: Case,
    submission: Submission,
    hashed: list[Hashed],
    left_out: list[LeftOut],
    output: Output,
) -> None:
    """Print the case number and PIN, and the number of each image."""
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
