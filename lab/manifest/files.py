"""Files that a container has beyond those of its image, or otherwise."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

from lab import engine
from lab.manifest._containers import Described, OfContainers

# What the engine puts into every container: secrets, and its own init.
ENGINES = ("/run", "/usr/sbin/docker-init")

MODIFIED, ADDED, DELETED = 0, 1, 2  # as the engine's API numbers them


class Files(OfContainers):
    """A changed file that has its image's content again is as it was: the lab writes some, too."""

    name = "file"

    def tell(self, service: str, described: Described) -> Iterator[tuple[str, str]]:
        if described["HostConfig"]["ReadonlyRootfs"]:
            return  # nobody can; and asking takes the engine a third of a second
        found = engine.client().api.diff(described["Id"]) or []
        paths = {one["Path"]: one["Kind"] for one in found if not one["Path"].startswith(ENGINES)}
        # A directory is listed for what is in it.
        leaves = {
            path: kind
            for path, kind in paths.items()
            if not any(other.startswith(f"{path}/") for other in paths)
            and not any(one.startswith(f"{path}/") for one in ENGINES)
        }
        yield from (
            (f"{service}:{path}", "deleted" if kind == DELETED else "added")
            for path, kind in leaves.items()
            if kind != MODIFIED
        )
        modified = [path for path, kind in leaves.items() if kind == MODIFIED]
        if not modified:
            return
        with _as_shipped(described["Image"]) as shipped:
            for path in modified:
                if _content(described["Id"], path) != _content(shipped, path):
                    yield f"{service}:{path}", "edited"


@contextmanager
def _as_shipped(image: str) -> Iterator[str]:
    """A container of that image which nobody has ever started."""
    api = engine.client().api
    made: str = api.create_container(image)["Id"]
    try:
        yield made
    finally:
        api.remove_container(made, force=True)


def _content(container: str, path: str) -> str:
    """A digest of everything that is at `path`, with modes and owners, without times."""
    from docker.errors import NotFound

    try:
        stream, _ = engine.client().api.get_archive(container, path)
    except NotFound:
        return ""
    digest = hashlib.sha256()
    with tarfile.open(fileobj=BytesIO(b"".join(stream))) as archive:
        for member in archive:
            digest.update(f"{member.name} {member.mode:o} {member.uid} {member.linkname}".encode())
            file = archive.extractfile(member) if member.isfile() else None
            digest.update(file.read() if file is not None else b"")
    return digest.hexdigest()
