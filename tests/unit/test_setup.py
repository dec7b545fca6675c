"""The first two commands of a new user: what the Makefile says, and what it needs of Python."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*argv: str, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    # Not this test run's own make flags.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        argv,
        cwd=cwd,
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=60,
    )


def test_make_prints_every_documented_target():
    """`make` alone explains itself: each target with its sentence, nothing is run."""
    shown = run("make")
    assert shown.returncode == 0
    documented = re.findall(r"^([a-z0-9-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert {"scenario-3am", "test", "up", "down", "doctor", "restore", "bench"} <= set(documented)
    for target in documented:
        assert f"make {target} " in shown.stdout


def test_locks_hold_hashes_and_no_address():
    """Every locked package has its hashes, and no file says where packages come from."""
    for name in ("requirements.txt", "requirements-dev.txt"):
        text = (ROOT / name).read_text()
        packages = re.findall(r"^[a-z0-9_.-]+==", text, re.MULTILINE)
        assert len(packages) > 20
        assert text.count("--hash=sha256:") >= len(packages)
        assert "://" not in text
        assert "--index" not in text
        assert "--find-links" not in text


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Just enough of a checkout for tools/venv, with no environment yet."""
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools/venv", tmp_path / "tools/venv")
    (tmp_path / "bin").mkdir()
    for tool in ("dirname", "id", "env", "sh", "rm", "printf"):
        (tmp_path / "bin" / tool).symlink_to(shutil.which(tool) or tool)
    return tmp_path


def python_that(checkout: Path, body: str) -> None:
    """A `python3` on the path that answers what tools/venv asks."""
    program = checkout / "bin" / "python3"
    program.write_text(f'#!/bin/sh\ncase "$2" in\n{body}\nesac\n')
    program.chmod(0o755)


def test_old_python_is_refused(checkout: Path):
    """With nothing newer than 3.10, the lab says what it needs and leaves with code 4."""
    python_that(checkout, "*) exit 1;;")
    # The system's own python must not be found, so a copy that names none is run.
    script = checkout / "tools/venv"
    script.write_text(script.read_text().replace("/usr/bin/python3", ""))
    done = run("tools/venv", cwd=checkout, PATH=str(checkout / "bin"))
    assert done.returncode == 4
    assert "no Python >= 3.11" in done.stderr


def test_python_without_ensurepip_names_the_package(checkout: Path):
    """Debian keeps ensurepip apart: where installing is forbidden, the package is named."""
    answers = (
        "*'(3, 11)'*) exit 0;;",
        "'import ensurepip') exit 1;;",
        "*venv*) echo python3.11-venv;;",
    )
    python_that(checkout, "\n".join(answers))
    done = run("tools/venv", cwd=checkout, PATH=str(checkout / "bin"), LAB_NO_INSTALL="1")
    assert done.returncode == 4
    assert "apt-get install python3.11-venv" in done.stderr
