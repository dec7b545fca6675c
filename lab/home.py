"""Where a stack keeps what must outlive a process: ports, passwords, the journal, logs."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

from lab.errors import BadInput, MachineLacks

DEFAULT_PROJECT = "3am-lab"

# An incident's history takes a few megabytes; with less than this the journal is at risk.
NEEDED_FREE_BYTES = 200 * 1024 * 1024

_PROJECT_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,40}")


@dataclass(frozen=True)
class Home:
    """The paths of one stack.

    ``root`` is the checkout (where docker-compose.yml is), ``base`` is shared by every stack of the
    checkout, ``dir`` belongs to this one, ``project`` is its compose project.
    """

    root: Path
    base: Path
    project: str = DEFAULT_PROJECT

    @classmethod
    def find(cls) -> Home:
        """The home that ``LAB_HOME`` and ``LAB_PROJECT`` name, or the checkout's own.

        Raises ``BadInput`` for a project name that compose would refuse, and for a home that no
        file system can have.
        """
        root = Path(__file__).resolve().parents[1]
        base = Path(os.environ.get("LAB_HOME") or root / ".lab")
        project = os.environ.get("LAB_PROJECT") or DEFAULT_PROJECT
        if not _PROJECT_NAME.fullmatch(project):
            raise BadInput(
                f"LAB_PROJECT={project!r} is not a project name",
                remedy="use lower-case letters, digits, - and _, beginning with a letter or digit",
            )
        base = base if base.is_absolute() else Path.cwd() / base
        try:
            (base / "projects" / project / "secrets").exists()
        except (OSError, ValueError) as error:
            raise BadInput(f"LAB_HOME cannot be a directory: {error}") from error
        return cls(root=root, base=base, project=project)

    @property
    def dir(self) -> Path:
        """This stack's own directory: ``base`` itself for the default project."""
        if self.project == DEFAULT_PROJECT:
            return self.base
        return self.base / "projects" / self.project

    @property
    def environment(self) -> dict[str, str]:
        """In which another process of the lab means this home, too."""
        return {**os.environ, "LAB_PROJECT": self.project, "LAB_HOME": str(self.base)}

    @property
    def compose_file(self) -> Path:
        return self.root / "docker-compose.yml"

    @property
    def db(self) -> Path:
        """The journal."""
        return self.dir / "lab.db"

    @property
    def env_file(self) -> Path:
        """Ports, paths and names, as docker compose reads them."""
        return self.dir / "stack.env"

    @property
    def secrets(self) -> Path:
        """Generated passwords, one file each."""
        return self.dir / "secrets"

    @property
    def logs(self) -> Path:
        """Whole logs of builds and installs, for when the tail is not enough."""
        return self.dir / "logs"

    @property
    def host_ca(self) -> Path:
        """The certificates that this host trusts, for builds; an empty file where it has none."""
        return self.base / "host-ca.pem"

    def prepare(self, needed: int = NEEDED_FREE_BYTES) -> None:
        """Create the directories and prove that they can be written to.

        Raises ``MachineLacks`` when they cannot, or when the disk has less than ``needed`` bytes
        free: better now than in the middle of an incident.
        """
        self.prove_writable()
        free = shutil.disk_usage(self.dir).free
        if free < needed:
            raise MachineLacks(
                f"only {free // 2**20} MiB free where {self.dir} is; the lab wants "
                f"{needed // 2**20} MiB so that no incident is lost half-way",
                remedy="free some space, or choose another directory with LAB_HOME=/some/where",
            )

    def prove_writable(self) -> None:
        """Create the directories, and write something there. Raises ``MachineLacks``."""
        try:
            self.base.mkdir(mode=0o700, parents=True, exist_ok=True)
            for path in (self.dir, self.secrets, self.logs):
                path.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Of its own for each: a room proves it in several threads at a time.
            with NamedTemporaryFile(dir=self.dir, prefix=".probe-") as file:
                file.write(b"\0" * 65536)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise MachineLacks(
                f"cannot write to {self.dir}: {error.strerror}",
                remedy="make it writable, or choose another directory with LAB_HOME=/some/where",
            ) from error
