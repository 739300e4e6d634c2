"""Run the demo: a person hashes and submits, a platform matches, the person withdraws."""

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
    """Run the demo; exit with 0 if every step gave the expected result."""
    started = time.monotonic()
    tell("Starting a service with an embedded PostgreSQL, in a temporary folder ...")
    with stage() as here:
        for name in PHOTOS:
            shutil.copyfile(photo(name), here.folder / name)
        hash_photo(here)
        case, pin = submit_photos(here)
        key, staff_key = issue_keys(here)
        copy = make_upload(here.folder)
        match_upload(here, key, copy)
        withdraw_case(here, case, pin)
        check_no_longer_matching(here, key, copy)
        audit(here, staff_key)
    tell(f"Done in {time.monotonic() - started:.0f} s; the service has been stopped.")


def hash_photo(here: Stage) -> None:
    """Hash a photo without sending anything."""
    step("The person hashes a photo on their own device. Nothing is sent.")
    show(here.run("unseen", "hash", "astronaut.png"))
    tell("These 256 bits describe the rough pattern of light and dark, not the picture.")


def submit_photos(here: Stage) -> tuple[str, str]:
    """Open a case; return its number and PIN."""
    step("They submit four photos: the hashes of each photo, also mirrored and turned.")
    answer = json.loads(here.run("unseen", "submit", "--json", *STATEMENTS, *PHOTOS))
    case, pin = str(answer["case"]), str(answer["pin"])
    show(f"case number  {case}", f"PIN          {pin}   (made on the device, shown once)")
    return case, pin


def issue_keys(here: Stage) -> tuple[str, str]:
    """Issue a key to a platform, and register two admins; return the platform's and an admin's."""
    step("The service's operator issues a key to a platform, for lookups.")
    key = here.run("unseen-service", "keys", "issue", "Example Platform", "--scope", "match")
    show(f"{key[:12]}...")
    step("Two admins make keys that nobody else knows. The operator registers their digests.")
    named: list[str] = []
    for name in ("Ada", "Ben"):
        made = json.loads(here.run("unseen", "key", "new", "--json", f"{name}.key"))
        named += ["--admin", name, made["digest"]]
    show(here.run("unseen-service", "keys", "bootstrap", *named))
    for name in ("Ada", "Ben"):
        show(here.run("unseen", "key", "activate", "--key-file", f"{name}.key").splitlines()[0])
    return key, (here.folder / "Ada.key").read_text().strip()


def make_upload(folder: Path) -> Path:
    """Make an altered copy, such as spreads on the internet; return its path."""
    step("Somebody uploads a copy of a photo: half the size, mirrored, JPEG quality 50.")
    with Image.open(folder / "astronaut.png") as image:
        half = image.convert("RGB").resize((image.width // 2, image.height // 2))
        ImageOps.mirror(half).save(folder / "upload.jpg", quality=50)
    size = (folder / "upload.jpg").stat().st_size
    show(f"upload.jpg: {size:,} bytes; no checksum would link it to the original file")
    return folder / "upload.jpg"


def match_upload(here: Stage, key: str, copy: Path) -> None:
    """Show that the copy matches, and another photo does not."""
    step("The platform checks the upload before it shows it to anybody.")
    hits = look_up(here, key, copy.name)
    expect(len(hits) >= 1, "the copy matches")
    best = min(hits, key=lambda hit: int(hit["distance"]))
    show(f"a match: at most {best['distance']} of 256 bits differ (31 may), view '{best['view']}'")
    shutil.copyfile(photo("brick.png"), here.folder / "other.png")
    expect(look_up(here, key, "other.png") == [], "another photo does not match")
    show("no match")


def withdraw_case(here: Stage, case: str, pin: str) -> None:
    """Show the case, then withdraw it."""
    step("The person sees what was found, and withdraws the case.")
    show(here.run("unseen", "status", case, UNSEEN_PIN=pin))
    show(here.run("unseen", "withdraw", "--yes", case, UNSEEN_PIN=pin).splitlines()[0])


def check_no_longer_matching(here: Stage, key: str, copy: Path) -> None:
    """Show that the copy no longer matches."""
    step("From then on, the copy no longer matches.")
    expect(look_up(here, key, copy.name) == [], "a withdrawn photo does not match")
    show("no match")


def audit(here: Stage, staff_key: str) -> None:
    """Read the audit log and verify its chain."""
    step(
        "An admin reads the log. It contains no hash, no case number, and nothing about the person."
    )
    headers = {"Authorization": f"Bearer {staff_key}", "Unseen-Reason": "monthly review"}
    answer = httpx.get(f"{here.url}/v1/audit", headers=headers).raise_for_status().json()
    show(
        *(
            f"{e['position']:>2}  {e['at']}  {e['kind']:<16} by {e['actor']}"
            for e in answer["entries"]
        )
    )
    show(here.run("unseen-service", "audit", "verify"))


def look_up(here: Stage, key: str, file: str) -> list[dict[str, Any]]:
    """Look up a file's hash; return the hits."""
    answer = json.loads(here.run("unseen", "match", "--json", file, UNSEEN_KEY=key))
    return [hit for each in answer["queries"] for hit in each["hits"]]


def expect(condition: bool, what: str) -> None:
    """End the demo unless a condition holds."""
    if not condition:
        raise SystemExit(f"demo: failed, expected that {what}.")


_steps = iter(range(1, 100))


def step(text: str) -> None:
    """Print the heading of the next step."""
    tell(f"\n{next(_steps)}. {text}")


def tell(text: str) -> None:
    """Print an explanation."""
    print(text, flush=True)


def show(*lines: str) -> None:
    """Print a result, indented."""
    print(textwrap.indent("\n".join(lines), "    "), flush=True)


if __name__ == "__main__":
    main()
