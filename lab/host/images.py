"""The images of the stack: built once, and again only when what they are built from changes."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from lab import engine
from lab.command import CommandFailed, follow
from lab.compose import Project
from lab.errors import Failed
from lab.home import Home
from lab.host import certificates
from lab.host.buildlog import BuildProgress
from lab.host.debian import DEBIAN_IMAGE, Debian
from lab.host.machine import Machine
from lab.lock import exclusive
from lab.progress import Report

CONTENT_LABEL = "dev.3am-lab.content"
BASE_IMAGE = "3am-lab/base:trixie"

# Debian's image as it would be if it had been made today. Certificates as in infra/base/Dockerfile.
UPGRADED = """\
ARG DEBIAN
FROM ${DEBIAN}
RUN --mount=type=secret,id=host_ca \\
    ca=/run/secrets/host_ca; if [ -s $ca ]; then set -- -o Acquire::https::CAInfo=$ca; fi \\
    && apt-get "$@" update \\
    && DEBIAN_FRONTEND=noninteractive apt-get "$@" upgrade -y \\
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/apt/archives/*.deb
"""

# Seconds within which a registry must begin to answer, and for how long a no is believed.
REGISTRY_PATIENCE = 10
REGISTRY_MEMORY = 6 * 3600
PULL_DEADLINE = 600
BUILD_DEADLINE = 1800


@dataclass(frozen=True)
class Build:
    """One image to build: its tag, the compose service that builds it, and its context."""

    image: str
    service: str
    context: Path

    @property
    def name(self) -> str:
        """For people: ``api`` of ``3am-lab/api:local``."""
        return self.image.rpartition("/")[2].partition(":")[0]


class Images:
    """The stack's images in the engine that is reached."""

    def __init__(self, home: Home, report: Report, project: Project | None = None) -> None:
        self.home = home
        self.report = report
        self.project = project or Project(home)
        self._log = home.logs / "build.log"

    def ready(self) -> None:
        """Build every image that is missing or older than its sources.

        Raises ``Failed`` with the end of the build's log, ``MachineLacks`` where the base can be
        neither pulled nor bootstrapped.
        """
        if not self.home.host_ca.exists():
            # For a `docker compose build` by hand, too.
            self._write_host_ca()
        if not self.stale():
            return
        with exclusive("images", self.report, within_s=2 * BUILD_DEADLINE):
            stale = self.stale()
            if stale:
                self._build(stale)

    def refresh(self) -> None:
        """Build every image anew, with the packages that Debian has today: what it mends comes to
        an image in no other way.

        Raises as ``ready`` does, and ``MachineLacks`` where there is no newer Debian to begin with.
        """
        with exclusive("images", self.report, within_s=2 * BUILD_DEADLINE):
            self.__dict__.pop("_labels", None)
            self._build(self.builds, fresh=True)

    def extras(self) -> set[str]:
        """The compose profiles of what is somebody else's image, wanted, and here.

        Grafana is always wanted, a store of traces where LAB_TRACES=1 says so.
        """
        wanted = {"grafana": "grafana"}
        if os.environ.get("LAB_TRACES", "") not in ("", "0"):
            wanted["jaeger"] = "traces"
        return {profile for service, profile in wanted.items() if self.obtain(service)}

    def obtain(self, service: str) -> bool:
        """Whether the image of `service` is there; pulls it where its registry answers.

        A registry that did not answer is not asked again for some hours, so that starts stay quick.
        """
        if self.has(service):
            return True
        memory = self.home.base / f"no-{service}"
        if memory.exists() and time.time() - memory.stat().st_mtime < REGISTRY_MEMORY:
            return False
        if pull(self.image_of(service), self._log, self.report):
            self.__dict__.pop("_labels", None)
            memory.unlink(missing_ok=True)
            return True
        memory.touch()
        self.report.say(
            f"{service.capitalize()}'s image cannot be had here; everything else works without it"
        )
        return False

    def has(self, service: str) -> bool:
        """Whether the image of `service` is there already."""
        return self.image_of(service) in self._labels

    def image_of(self, service: str) -> str:
        """The pinned image that docker-compose.yml names."""
        return str(self.project.config[service]["image"])

    def stale(self) -> list[Build]:
        """The images that have to be built; ``BASE_IMAGE`` comes along when it has to be, too."""
        self.__dict__.pop("_labels", None)
        return [
            build
            for build in self.builds
            if self._labels.get(build.image, {}).get(CONTENT_LABEL) != self.content(build)
        ]

    @cached_property
    def builds(self) -> list[Build]:
        """Every image that docker-compose.yml says how to build, once each."""
        found: dict[str, Build] = {}
        for name, service in sorted(self.project.config.items()):
            if "build" in service:
                context = Path(service["build"]["context"])
                found.setdefault(service["image"], Build(service["image"], name, context))
        return list(found.values())

    def content(self, build: Build) -> str:
        """What the image is made of, as a short hash: its context's files and the base's."""
        return _short(content_of(build.context) + self._base_content)

    @property
    def base(self) -> Build:
        """The image that all others begin with."""
        return Build(BASE_IMAGE, "base", self.home.root / "infra" / "base")

    @cached_property
    def _base_content(self) -> str:
        return content_of(self.base.context)

    @cached_property
    def _labels(self) -> dict[str, Mapping[str, str]]:
        """The labels of each image that the engine has, by tag."""
        listed: list[dict[str, Any]] = engine.client().api.images()
        return {
            tag: image.get("Labels") or {}
            for image in listed
            for tag in image.get("RepoTags") or ()
        }

    def _build(self, stale: Iterable[Build], *, fresh: bool = False) -> None:
        self._write_host_ca()
        self._log.unlink(missing_ok=True)
        base = self.base
        known = self._labels.get(base.image, {}).get(CONTENT_LABEL)
        if fresh or known != _short(self._base_content):
            machine = Machine(self.home, self.report)
            if fresh or DEBIAN_IMAGE not in self._labels:
                Debian(machine, self._log).ready(self.report)
            if fresh:
                self._upgrade()
            self._compose_build(
                "building the base image", [base], [self._file_of(base)], fresh=fresh
            )
        names = ", ".join(build.name for build in stale)
        self._compose_build(f"building images: {names}", list(stale), [], fresh=fresh)
        # What the new ones replaced; images that a container still uses are spared.
        engine.client().images.prune({"dangling": True, "label": CONTENT_LABEL})

    def _upgrade(self) -> None:
        """Bring Debian's image up to today: it was made with the last point release, or whenever
        somebody published it."""
        debian = Build(DEBIAN_IMAGE, "debian", self.base.context)
        file = self._file_of(debian, dockerfile_inline=UPGRADED)
        self._compose_build("upgrading Debian's packages", [debian], [file], fresh=True)

    def _write_host_ca(self) -> None:
        self.home.host_ca.write_text(certificates.host_bundle(), encoding="utf-8")

    def _compose_build(
        self, title: str, builds: list[Build], files: list[str], *, fresh: bool = False
    ) -> None:
        began = time.monotonic()
        overlay = self.home.dir / "build.json"
        overlay.write_text(json.dumps(self._with_labels(builds)), encoding="utf-8")
        words = ("--progress", "plain", "build", *(["--no-cache"] if fresh else []))
        argv = self.project.argv(
            *words,
            *(build.service for build in builds),
            files=[*files, str(overlay)],
        )
        progress = BuildProgress()
        with self.report.step(title) as step:

            def on_line(line: str) -> None:
                progress.read(line)
                step.at(progress.done, progress.total, progress.doing)

            try:
                follow(
                    argv, on_line, log=self._log, timeout=BUILD_DEADLINE, env=self._environment()
                )
            except CommandFailed as error:
                raise Failed(
                    f"{title} did not work\n{error.message}",
                    remedy=f"the whole log is {self._log}",
                ) from error
        self.report.say(f"{title}: done in {time.monotonic() - began:.0f} s")

    def _environment(self) -> dict[str, str]:
        """Compose's, with the engine's own BuildKit: another builder has not our base image."""
        return {
            **Project.environment(),
            "DOCKER_BUILDKIT": "1",
            "BUILDX_BUILDER": "default",
            "LAB_HOST_CA": str(self.home.host_ca),
            "LAB_SECRETS": str(self.home.secrets),
        }

    def _with_labels(self, builds: list[Build]) -> dict[str, Any]:
        return {
            "services": {
                build.service: {"build": {"labels": {CONTENT_LABEL: self._content_label(build)}}}
                for build in builds
            }
        }

    def _content_label(self, build: Build) -> str:
        return _short(self._base_content) if build == self.base else self.content(build)

    def _file_of(self, build: Build, **more: str) -> str:
        """What is nobody's service compose learns of from a file of its own."""
        path = self.home.dir / f"{build.service}.json"
        how = {
            "context": str(build.context),
            "args": {"DEBIAN": DEBIAN_IMAGE},
            "secrets": ["host_ca"],
            **more,
        }
        service = {"image": build.image, "build": how}
        # A dollar is a variable to compose, unless it is two.
        text = json.dumps({"services": {build.service: service}}).replace("$", "$$")
        path.write_text(text, encoding="utf-8")
        return str(path)


def pull(image: str, log: Path, report: Report) -> bool:
    """Pull ``image`` from its registry, and say whether that worked.

    A registry that does not begin to answer within ``REGISTRY_PATIENCE`` seconds is given up.
    """
    with report.step(f"pulling {image}") as step:
        try:
            follow(
                ["docker", "pull", image],
                lambda line: step.at(0, 1, line),
                log=log,
                timeout=PULL_DEADLINE,
                patience=REGISTRY_PATIENCE,
            )
        except CommandFailed:
            return False
    return True


def content_of(context: Path) -> str:
    """A hash of every file of a build context: names, modes and bytes, but no times.

    What a run of the tests or of an interpreter leaves behind is no content.
    """
    digest = hashlib.sha256()
    for path in sorted(_files(context)):
        digest.update(f"{path.relative_to(context)} {os.access(path, os.X_OK)}\n".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _files(context: Path) -> Iterable[Path]:
    for directory, names, files in os.walk(context):
        names[:] = [name for name in names if name != "__pycache__" and not name.startswith(".")]
        yield from (Path(directory, name) for name in files if not name.endswith(".pyc"))


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
