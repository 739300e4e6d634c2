"""Run the Dockerfile's own steps where there is no Docker engine: in chroots, as root.

`python -m tools.image_in_chroot FOLDER` makes one root a stage in FOLDER (from debootstrap and the
stages before it), then starts the image's command as its user, asks what its health check asks,
submits and matches a hash, and looks that no compiler and no root is left. It knows the
instructions that our Dockerfile uses, and refuses others.
"""

import contextlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
RELEASE = "bookworm"
# What lets this machine's mirrors be reached from inside, where it has any.
FROM_THE_HOST = (
    "etc/resolv.conf",
    "etc/pip.conf",
    "etc/ssl/certs/ca-certificates.crt",
    "etc/apt/apt.conf.d",
)
PORT = 8000


@dataclass
class Stage:
    """One FROM … AS …: its root, and what later instructions run under."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)
    workdir: str = "/"
    user: str = "0"
    entry: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)

    def run(self, *command: str, user: str = "0") -> None:
        """Run a command in it; raises CalledProcessError when it fails."""
        subprocess.run(self.inside(*command, user=user), env=self.variables(), check=True)

    def inside(self, *command: str, user: str) -> list[str]:
        """Give the command line that enters the root."""
        return ["chroot", f"--userspec={user}:{user}", str(self.root), *command]

    def variables(self) -> dict[str, str]:
        """Give the environment: the image's, and how this host reaches its mirrors."""
        reach = {k: v for k, v in os.environ.items() if re.match("PIP_|https?_proxy", k)}
        base = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
        return {**base, "LC_ALL": "C.UTF-8", "HOME": "/root", **reach, **self.environment}


class Image:
    """Follows a Dockerfile, a target at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stages: dict[str, Stage] = {}

    def build(self, dockerfile: str, target: str) -> Stage:
        """Run every instruction up to the end of the target's stage."""
        stage: Stage | None = None
        name = ""
        for word, rest in instructions(dockerfile):
            if word == "FROM":
                if name == target:
                    break
                base, _, name = rest.split()
                stage = self._stages[name] = self._begun(base, name)
                print(f"== {name}, from {base}", flush=True)
            elif stage and (not name.endswith("gpu") or target == name):
                self._follow(stage, word, rest)
        return self._stages[target]

    def _begun(self, base: str, name: str) -> Stage:
        root = self._folder / name
        if base not in self._stages:
            subprocess.run(["debootstrap", "--variant=minbase", RELEASE, str(root)], check=True)
            bring_reach(root)
            return Stage(root)
        subprocess.run(["cp", "-a", str(self._stages[base].root), str(root)], check=True)
        before = self._stages[base]
        return Stage(
            root, dict(before.environment), "/", before.user, before.entry, before.command,
            before.health,
        )  # fmt: skip

    def _follow(self, stage: Stage, word: str, rest: str) -> None:  # noqa: C901
        match word:
            case "RUN":
                # Again each time: installing ca-certificates makes its own.
                bring_reach(stage.root)
                stage.run("/bin/sh", "-ec", f"cd {stage.workdir} && {rest}")
            case "COPY":
                self._copy(stage, rest.split())
            case "WORKDIR":
                stage.workdir = rest
                (stage.root / rest.lstrip("/")).mkdir(parents=True, exist_ok=True)
            case "ENV":
                for pair in shlex.split(rest):
                    key, _, value = pair.partition("=")
                    stage.environment[key] = value.replace("$PATH", stage.variables()["PATH"])
            case "USER":
                stage.user = rest
            case "ENTRYPOINT":
                stage.entry = json.loads(rest)
            case "CMD":
                stage.command = json.loads(rest)
            case "HEALTHCHECK":
                stage.health = json.loads(rest[rest.index("[") :])
            case "VOLUME" | "EXPOSE":
                pass
            case _:
                raise SystemExit(f"the Dockerfile has an instruction that is not known: {word}")

    def _copy(self, stage: Stage, words: list[str]) -> None:
        source = ROOT
        if words[0].startswith("--from="):
            source = self._stages[words.pop(0).removeprefix("--from=")].root
        *names, target = words
        place = stage.root / (Path("/") / stage.workdir / target).relative_to("/")
        for name in names:
            path = source / name.lstrip("/")
            if path.is_dir():
                shutil.copytree(
                    path, place, symlinks=True, ignore=shutil.ignore_patterns("__pycache__")
                )
            else:
                place.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, place / path.name)


def instructions(dockerfile: str) -> Iterator[tuple[str, str]]:
    """Read instructions: comments left out, continued lines joined."""
    plain = re.sub(r"^\s*#.*\n", "", dockerfile, flags=re.MULTILINE)
    for line in re.sub(r"\\\n", " ", plain).splitlines():
        if line.strip():
            word, _, rest = line.strip().partition(" ")
            yield word, rest.strip()


def bring_reach(root: Path) -> None:
    """Copy what lets the host's mirrors be reached."""
    for name in FROM_THE_HOST:
        source, place = Path("/") / name, root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, place, dirs_exist_ok=True)
        elif source.exists():
            shutil.copy(source, place)


@contextlib.contextmanager
def started(stage: Stage) -> Iterator[None]:
    """Run the image's command as its user, with /proc and /dev as a container has them."""
    mounts = [("proc", "proc"), ("devtmpfs", "dev")]
    for kind, name in mounts:
        (stage.root / name).mkdir(exist_ok=True)
        subprocess.run(["mount", "-t", kind, kind, str(stage.root / name)], check=True)
    command = stage.inside(*stage.entry, *stage.command, user=stage.user)
    process = subprocess.Popen(command, env={**stage.variables(), "HOME": "/data"})
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)
        for _, name in reversed(mounts):
            subprocess.run(["umount", "-l", str(stage.root / name)], check=True)


def try_it(stage: Stage) -> None:
    """Ask the health check, submit a hash, and look at what is in the image."""
    deadline = time.monotonic() + 120
    while subprocess.run(
        stage.inside(*stage.health, user=stage.user), env=stage.variables(), check=False,
        stderr=subprocess.DEVNULL,
    ).returncode:  # fmt: skip
        if time.monotonic() > deadline:
            raise SystemExit("the health check never passed")
        time.sleep(1)
    print("the health check passes")
    while asked("GET", "/readyz")[0] != 200:
        time.sleep(0.5)
    pdq = bytes(range(3, 255, 8)).hex()
    body = {
        "images": [{"hashes": [{"pdq": pdq, "quality": 100, "view": "original"}],
                    "convention": "pdq-srgb-full-1"}],
        "statements": {"adult": True, "depicted": True, "without_consent": True},
        "pin": "7K4M-9QTX-2HBD",
    }  # fmt: skip
    print("a submission is answered", asked("POST", "/v1/cases", body)[0])
    for compiler in ("gcc", "cc", "g++", "clang", "make", "pip"):
        found = subprocess.run(
            stage.inside("/bin/sh", "-c", f"command -v {compiler}", user=stage.user),
            env=stage.variables(), check=False,
        )  # fmt: skip
        if not found.returncode:
            raise SystemExit(f"the image has {compiler}")
    print(f"no compiler and no pip in it; it runs as user {stage.user}")


def asked(method: str, path: str, body: object = None) -> tuple[int, bytes]:
    """Ask the service that was started."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{PORT}{path}",
        method=method,
        data=json.dumps(body).encode() if body else None,
        headers={"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def main() -> None:
    """Build the target `service` and try it."""
    folder = Path(sys.argv[1]).absolute()
    folder.mkdir(parents=True)
    stage = Image(folder).build((ROOT / "Dockerfile").read_text(), "service")
    with started(stage):
        try_it(stage)


if __name__ == "__main__":
    main()
