"""What people do about a night: the scripts beside a scenario, each an operator's own commands.

`remedy.sh` mends it. Each of `decoys/` tempts and does not, each of `fixes/` is another way that is
right, and each says in a comment why.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from lab.documents import near
from lab.errors import BadInput
from lab.handed import read_text

REMEDY, DECOYS, FIXES = "remedy.sh", "decoys", "fixes"

TEMPTS = re.compile(r"^#\s*Why people try it:\s*(?P<why>.+)$", re.MULTILINE)
MENDS = re.compile(r"^#\s*Why it is right:\s*(?P<why>.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Decoy:
    """A tempting wrong fix: a script, and why people try it."""

    name: str
    path: Path
    why: str


def scripts(folder: Path) -> list[Path]:
    """All that are there: the remedy, the decoys, the other fixes."""
    remedy = folder / REMEDY
    others = [path for name in (DECOYS, FIXES) for path in sorted((folder / name).glob("*.sh"))]
    return [*([remedy] if remedy.is_file() else []), *others]


def says_why(script: Path) -> bool:
    """Whether a script says why it tempts, or why it is right; of the remedy nobody asks."""
    wanted = {DECOYS: TEMPTS, FIXES: MENDS}.get(script.parent.name)
    return wanted is None or wanted.search(read_text(script)) is not None


def decoys_in(folder: Path) -> list[Decoy]:
    """The decoys of a folder, by name. Raises `BadInput` for one that says not why it tempts."""
    return [_decoy(path) for path in sorted(folder.glob("*.sh"))]


def fix_in(folder: Path, name: str | None) -> Path:
    """A scenario's own remedy, or the other right fix of that name.

    Raises `BadInput` where there is none.
    """
    if name is None:
        return folder / REMEDY
    known = {path.stem: path for path in (folder / FIXES).glob("*.sh")}
    if name not in known:
        hint = near(name, known) or (f"there are: {', '.join(sorted(known))}" if known else "")
        raise BadInput(f"{folder / FIXES}: there is no fix {name!r}", remedy=hint or "add a script")
    return known[name]


def _decoy(path: Path) -> Decoy:
    said = TEMPTS.search(read_text(path))
    if said is None:
        raise BadInput(
            f"{path}:1:1: a decoy says why it tempts",
            remedy="add a line `# Why people try it: ...`",
        )
    return Decoy(name=path.stem, path=path, why=said["why"].strip())
