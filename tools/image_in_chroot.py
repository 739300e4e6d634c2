"""Run the Dockerfile's own steps where there is no Docker engine: in chroots, as root.

`python -m tools.image_in_chroot FOLDER` makes one root a stage in FOLDER (from debootstrap and the
stages before it), and then tries the image as a deployment would (image_trial.py). It knows the
instructions that our Dockerfile uses, and refuses others. `--target gpu` builds the other target.
"""

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tools.image_trial import Trial

ROOT = Path(__file__).parents[1]
RELEASE = "bookworm"
# What lets this machine's mirrors be reached from inside, where it has any.
FROM_THE_HOST = (
    "etc/resolv.conf",
    "etc/pip.conf",
    "etc/ssl/certs/ca-certificates.crt",
    "etc/apt/apt.conf.d",
)
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


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
        return {"PATH": PATH, "LC_ALL": "C.UTF-8", "HOME": "/root", **reach, **self.environment}


class Image:
    """Follows a Dockerfile, a target at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stages: dict[str, Stage] = {}

    def build(self, dockerfile: str, target: str) -> Stage:
        """Run every instruction of the target's stage, and of those that it is made from."""
        wanted = needed(dockerfile, target)
        name = ""
        for word, rest in instructions(dockerfile):
            if word == "FROM":
                base, _, name = rest.split()
                if name in wanted:
                    print(f"== {name}, from {base}", flush=True)
                    self._stages[name] = self._begun(base, name)
            elif name in wanted:
                self._follow(self._stages[name], word, rest)
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
        source, left_out = ROOT, ["__pycache__"]  # as .dockerignore says
        if words[0].startswith("--from="):
            left_out = []
            source = self._stages[words.pop(0).removeprefix("--from=")].root
        *names, target = words
        place = stage.root / (Path("/") / stage.workdir / target).relative_to("/")
        for name in names:
            path = source / name.lstrip("/")
            if path.is_dir():
                ignored = shutil.ignore_patterns(*left_out)
                shutil.copytree(path, place, symlinks=True, ignore=ignored)
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


def needed(dockerfile: str, target: str) -> set[str]:
    """Name the stages that a target is made from, itself too; as a builder, leave others out."""
    sources: dict[str, set[str]] = {}
    name = ""
    for word, rest in instructions(dockerfile):
        if word == "FROM":
            base, _, name = rest.split()
            sources[name] = {base} if base in sources else set()
        elif word == "COPY" and rest.startswith("--from="):
            sources[name].add(rest.split()[0].removeprefix("--from="))
    wanted, rest_of = set(), [target]
    while rest_of:
        name = rest_of.pop()
        wanted.add(name)
        rest_of += sources[name]
    return wanted


def bring_reach(root: Path) -> None:
    """Copy what lets the host's mirrors be reached."""
    for name in FROM_THE_HOST:
        source, place = Path("/") / name, root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, place, dirs_exist_ok=True)
        elif source.exists():
            shutil.copy(source, place)


def main() -> None:
    """Build a target and try it."""
    parser = argparse.ArgumentParser(prog="python -m tools.image_in_chroot")
    parser.add_argument("folder", type=Path, help="a new folder for the roots, some GB")
    parser.add_argument("--target", default="service", choices=["service", "gpu"])
    given = parser.parse_args()
    folder = given.folder.absolute()
    folder.mkdir(parents=True)
    stage = Image(folder).build((ROOT / "Dockerfile").read_text(), given.target)
    print(f"== {given.target}, tried", flush=True)
    (folder / "trial").mkdir()
    Trial(
        root=stage.root,
        user=stage.user,
        environment={"PATH": PATH, **stage.environment},
        entry=stage.entry,
        command=stage.command,
        health=stage.health,
        folder=folder / "trial",
    ).run()


if __name__ == "__main__":
    main()
