"""Play the story: a person hashes and submits, a platform matches, the person withdraws."""

import json
import shutil
import textwrap
import time
from pathlib import Path
from typing import Any

import httpx
from PIL import Image, ImageOps

from .stage import Stage, photo, stage

PHOTOS = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg")
STATEMENTS = ("--adult", "--depicted", "--without-consent")


def main() -> None:
    """Play it; exits 0 when every step went as it should."""
    started = time.monotonic()
    tell("Starting a service on an embedded PostgreSQL, in a scratch folder ...")
    with stage() as here:
        for name in PHOTOS:
            shutil.copy(photo(name), here.folder)
        hashing(here)
        case, pin = submitting(here)
        key, staff_key = issuing_keys(here)
        copy = make_copy(here.folder)
        matching(here, key, copy)
        withdrawing(here, case, pin)
        no_longer_matching(here, key, copy)
        auditing(here, staff_key)
    tell(f"Done in {time.monotonic() - started:.0f} s; everything that was started is stopped.")


def hashing(here: Stage) -> None:
    """Hash a photo, and send nothing."""
    step("The person hashes a photo on their own device. Nothing is sent.")
    show(here.run("unseen", "hash", "astronaut.png"))
    tell("These 256 bits say how the picture looks from afar, not what is in it.")


def submitting(here: Stage) -> tuple[str, str]:
    """Open a case."""
    step("They submit four photos: of each its hash, and those of it mirrored and turned.")
    answer = json.loads(here.run("unseen", "submit", "--json", *STATEMENTS, *PHOTOS))
    case, pin = str(answer["case"]), str(answer["pin"])
    show(f"case number  {case}", f"PIN          {pin}   (made on the device, shown once)")
    return case, pin


def issuing_keys(here: Stage) -> tuple[str, str]:
    """Let a platform and the staff in."""
    step("The service's operator gives a platform and the auditors a key each.")
    issue = ("unseen-service", "keys", "issue")
    key = here.run(*issue, "Example Platform", "--scope", "match")
    staff_key = here.run(*issue, "Auditors", "--scope", "audit")
    show(f"{key[:12]}...", f"{staff_key[:12]}...")
    return key, staff_key


def make_copy(folder: Path) -> Path:
    """Do to a photo what happens to it on the way through the internet."""
    step("Somebody uploads a copy of a photo: half the size, mirrored, JPEG quality 50.")
    with Image.open(folder / "astronaut.png") as image:
        half = image.convert("RGB").resize((image.width // 2, image.height // 2))
        ImageOps.mirror(half).save(folder / "upload.jpg", quality=50)
    size = (folder / "upload.jpg").stat().st_size
    show(f"upload.jpg: {size:,} bytes; as a file it has nothing in common with the original")
    return folder / "upload.jpg"


def matching(here: Stage, key: str, copy: Path) -> None:
    """Find the copy, and not another photo."""
    step("The platform asks about what is being uploaded, before it shows it to anybody.")
    hits = ask(here, key, copy.name)
    expect(len(hits) >= 1, "the copy matches")
    best = min(hits, key=lambda hit: int(hit["distance"]))
    show(f"a match: {best['distance']} of 256 bits differ (31 may), view '{best['view']}'")
    shutil.copy(photo("brick.png"), here.folder / "other.png")
    expect(ask(here, key, "other.png") == [], "another photo does not match")
    show("no match")


def withdrawing(here: Stage, case: str, pin: str) -> None:
    """See what was done, and end it."""
    step("The person looks what came of it, and withdraws.")
    show(here.run("unseen", "status", case, UNSEEN_PIN=pin))
    show(here.run("unseen", "withdraw", case, UNSEEN_PIN=pin).splitlines()[0])


def no_longer_matching(here: Stage, key: str, copy: Path) -> None:
    """Ask again."""
    step("From that moment on the copy no longer matches.")
    expect(ask(here, key, copy.name) == [], "a withdrawn photo does not match")
    show("no match")


def auditing(here: Stage, staff_key: str) -> None:
    """Read the log, verify its chain."""
    step("The auditors read what was done: no hash, no case number, no name is in it.")
    headers = {"Authorization": f"Bearer {staff_key}", "Unseen-Reason": "monthly review"}
    answer = httpx.get(f"{here.url}/v1/audit", headers=headers).raise_for_status().json()
    show(
        *(
            f"{e['position']:>2}  {e['at']}  {e['kind']:<16} by {e['actor']}"
            for e in answer["entries"]
        )
    )
    show(here.run("unseen-service", "audit", "verify"))


def ask(here: Stage, key: str, file: str) -> list[dict[str, Any]]:
    """Look up a file's hash; answer the hits."""
    answer = json.loads(here.run("unseen", "match", "--json", file, UNSEEN_KEY=key))
    return [hit for each in answer["queries"] for hit in each["hits"]]


def expect(true: bool, what: str) -> None:
    """End the demo where it does not go as it should."""
    if not true:
        raise SystemExit(f"demo: it should be so that {what}, and it is not.")


_steps = iter(range(1, 100))


def step(text: str) -> None:
    """Open the next step."""
    tell(f"\n{next(_steps)}. {text}")


def tell(text: str) -> None:
    """Say something to the newcomer."""
    print(text, flush=True)


def show(*lines: str) -> None:
    """Show what came of it."""
    print(textwrap.indent("\n".join(lines), "    "), flush=True)


if __name__ == "__main__":
    main()
