"""`unseen submit`: hash, confirm the statements, save, send; the PIN and the case are never lost.

The submission is saved in a file before the first byte is sent; `saved_submissions` says when that
goes.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final

from ..client import Client
from ..errors import InputError
from ..fingerprints import Fingerprint
from ..models import Case
from ..proof_of_work import Challenge
from ..submission import MAX_IMAGES, Submission, require_statements
from . import core_dumps, prompts
from .environment import server_of_environment
from .exit_codes import Exit
from .image_files import Hashed, choose_exit_code, collect, hash_all, report
from .left_out import LeftOut
from .output import Output
from .saved_submissions import SavedSubmission, command_to_send

ALL_TRUE: Final = dict.fromkeys(prompts.STATEMENTS, True)


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A submission, and the files that it was made from, if this call of the command made it."""

    submission: Submission
    hashed: Sequence[Hashed] = ()
    left_out: Sequence[LeftOut] = ()


def submit(options: argparse.Namespace, output: Output) -> Exit:
    """Open a case for images, or send a prepared submission."""
    core_dumps.forbid()
    if options.prepared:
        prepared = _Prepared(Submission.load(options.prepared))
    else:
        prepared = _prepare(options, output)
    if options.dry_run:
        return _show(prepared.submission, output, is_new=not options.prepared)
    if options.prepare:
        return _save(prepared.submission, Path(options.prepare), output)
    saved, case = _send(prepared.submission, options, output)
    with saved.kept_until_printed(output):
        _report(case, prepared, saved, output)
    return choose_exit_code(is_done=True, left_out=prepared.left_out)


def _prepare(options: argparse.Namespace, output: Output) -> _Prepared:
    """Ask for the statements, hash the images, and prepare a submission of them.

    Files that cannot be read are found before anything is asked.
    """
    items = collect(options.files, output)
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
    hash_views = partial(_hash_views, crops=options.crops)
    hashed, left_out = hash_all(items, hash_views, output)
    if not hashed:
        raise _nothing_to_submit()
    prints = (one.prints for one in hashed)
    submission = Submission.of(prints, server=options.server, **statements)
    return _Prepared(submission, hashed, left_out)


def _nothing_to_submit() -> InputError:
    return InputError("None of the images can be submitted.", hint="The reason is given for each.")


def _hash_views(path: Path, *, crops: bool) -> tuple[Fingerprint, ...]:
    """Hash a file's views, and crops of it, unless it is too flat to be submitted."""
    from ..hashing import fingerprint_views  # noqa: PLC0415 - a saved submission needs no hashing

    prints = fingerprint_views(path, crops=crops)
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
    output.line(f"Nothing was sent yet. To send it: {command_to_send(path)}")
    output.document({"prepared": str(path)})
    return Exit.DONE


def _send(
    submission: Submission, options: argparse.Namespace, output: Output
) -> tuple[SavedSubmission, Case]:
    """Send a submission that is saved in a file; return the file, which is kept, and the case."""
    server = options.server or submission.server or server_of_environment(options)
    if not server:
        raise InputError("No server given.", hint="Give its address: --server https://…")
    on_work = partial(_explain_work, output)
    # The client first: if the environment is wrong, there is nothing to keep a file for.
    with Client(server, insecure=options.insecure, on_work=on_work) as client:
        saved = SavedSubmission.of(submission, options.prepared)
        with saved.kept_until_confirmed():
            return saved, client.submit(submission)


def _explain_work(output: Output, _: Challenge) -> None:
    output.note("The service is very busy. Your computer works for some seconds before it sends:")
    output.note("this keeps out floods of submissions. You do not need to do anything.")


def _report(case: Case, prepared: _Prepared, saved: SavedSubmission, output: Output) -> None:
    """Print the case number and PIN, and the number of each image."""
    files = [str(one.path) for one in prepared.hashed]
    output.line(f"Case number  {case.case}")
    output.line(f"PIN          {prepared.submission.pin}")
    output.line()
    output.line("Write both down. Nobody can recover them, and there is no other way to")
    output.line("see what was found or to withdraw the case.")
    output.line()
    for number, image in enumerate(case.images):
        name = files[number] if number < len(files) else ""
        output.line(f"  image {image.image:<4} {image.hashes} hashes  {name}".rstrip())
    kept = None if saved.goes_when_printed else str(saved.path)
    output.document({**_document(case, prepared, files), "kept": kept})


def _document(case: Case, prepared: _Prepared, files: list[str]) -> dict[str, Any]:
    images = [
        {"image": image.image, "hashes": image.hashes, "file": file}
        for image, file in zip_longest(case.images, files)
        if image
    ]
    return {
        "case": case.case,
        "pin": prepared.submission.pin,
        "status": case.status,
        "images": images,
        "left_out": [one.document() for one in prepared.left_out],
    }
