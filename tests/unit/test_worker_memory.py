"""The worker survives what it takes: the memory of pictures, and photos that killed it before."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from darkroom_worker.memory import Memory
from darkroom_worker.picture import MEMORY, MOST_BYTES, Picture, need
from darkroom_worker.publication import Media

from tests.unit import pictures

ROOT = Path(__file__).parents[2]

# What the kernel has counted at most since the picture before, beyond what was in use then.
MEASURE = """
import json, sys, tempfile
from pathlib import Path
from darkroom_worker.decoding import Original
from darkroom_worker.renditions import render
from PIL import Image

def counted(name):
    status = Path("/proc/self/status").read_text()
    return int(status.split(name + ":")[1].split()[0]) * 1024

def once(path):
    with tempfile.TemporaryDirectory() as folder:
        original = Original.at(path)
        render(original, Path(folder))
        return original.need

once(Path(sys.argv[1]))
for path in map(Path, sys.argv[2:]):
    Path("/proc/self/clear_refs").write_text("5")
    before = counted("VmRSS")
    need = once(path)
    peak = counted("VmHWM") - before
    print(json.dumps([path.name, need, peak, counted("VmRSS") - before]), flush=True)
"""


def test_a_picture_needs_no_more_than_is_said(tmp_path: Path) -> None:
    """Of each kind the worst that is taken, one after the other in one process, as in the worker:
    none takes more than was set aside for it, and what it took is given back."""
    small = tmp_path / "small"
    small.write_bytes(pictures.file(pictures.scene(), "JPEG"))
    paths = []
    for name, data in pictures.worst():
        paths.append(tmp_path / name)
        paths[-1].write_bytes(data)
    dockerfile = (ROOT / "services/worker/Dockerfile").read_text()
    tuned = dict(re.findall(r"(MALLOC_\w+)=(\d+)", dockerfile))
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, small, *paths],
        env=os.environ | tuned | {"PYTHONPATH": str(ROOT / "services/worker")},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    measured = [json.loads(line) for line in done.stdout.splitlines()]
    assert [name for name, *_ in measured] == [path.name for path in paths]
    for name, said, peak, kept in measured:
        assert peak <= said <= MEMORY, f"{name}: {peak:,} bytes of {said:,}"
        # Else it is said without need, and good pictures are refused.
        assert peak > said / 3, f"{name}: only {peak:,} bytes of {said:,}"
        assert kept < 16_000_000, f"{name}: {kept:,} bytes are not given back"


def test_small_pictures_go_side_by_side_and_the_largest_alone() -> None:
    """Pictures in hand never need more than there is; and two that fit are in hand at once."""
    memory = Memory(MEMORY)
    held, most, together = 0, 0, threading.Barrier(2, timeout=10)
    lock = threading.Lock()

    def hold(bytes_: int) -> None:
        nonlocal held, most
        with memory.taken(bytes_):
            with lock:
                held += bytes_
                most = max(most, held)
                assert held <= MEMORY
            if bytes_ < MEMORY // 2:
                together.wait()
            with lock:
                held -= bytes_

    ordinary = need(Picture("JPEG", 1280, 853, 200_000, ()))
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(hold, [ordinary, ordinary]))
        assert most == 2 * ordinary
        list(pool.map(hold, [MEMORY, MEMORY - 1, MEMORY] * 4))
    assert most == MEMORY


def test_a_large_picture_is_not_overtaken_for_ever() -> None:
    """While a large one waits for its turn, small ones that come later wait behind it."""
    memory = Memory(10)
    order: list[str] = []

    def hold(name: str, bytes_: int) -> None:
        with memory.taken(bytes_):
            order.append(name)

    with ThreadPoolExecutor(2) as pool:
        with memory.taken(4):
            large = pool.submit(hold, "large", 10)
            while not memory._first.locked():
                time.sleep(0.001)
            small = pool.submit(hold, "small", 1)
        large.result(10)
        small.result(10)
    assert order == ["large", "small"]


def test_memory_comes_back_from_what_fails() -> None:
    """A run that fails holds nothing afterwards; whoever needs more than there is gets it all."""
    memory = Memory(10)
    for _ in range(3):
        with pytest.raises(OSError, match="full"), memory.taken(99):
            raise OSError("full")
    with memory.taken(10):
        pass


BEGIN = """
import os, sys
from pathlib import Path
from darkroom_worker.publication import Media
with Media(Path(sys.argv[1])).staging(7) as folder:
    (folder / "1600.jpg").write_bytes(b"half")
    os.kill(os.getpid(), 9)
"""


def test_runs_that_never_ended_are_counted_beyond_their_worker(tmp_path: Path) -> None:
    """A worker that is killed in the middle leaves a mark of that photo, each time; a run that
    ends, well or not, leaves none; and once the photo's job is over they are gone."""
    media = Media(tmp_path)
    for died in range(1, 4):
        done = subprocess.run(
            [sys.executable, "-c", BEGIN, tmp_path],
            env=os.environ | {"PYTHONPATH": str(ROOT / "services/worker")},
            check=False,
        )
        assert done.returncode == -9
        assert media.unended(7) == died
    with pytest.raises(OSError, match="disk"), media.staging(8):
        raise OSError("disk")
    with media.staging(8) as folder:
        (folder / "1600.jpg").write_bytes(b"whole")
        media.publish(folder, 8)
    assert (media.unended(8), media.unended(77)) == (0, 0)
    media.forget(7)
    assert media.unended(7) == 0
    assert (tmp_path / "public/8/1600.jpg").read_bytes() == b"whole"


def test_marks_outlast_what_uploads_leave(tmp_path: Path) -> None:
    """Whoever starts the worker again next morning finds it warned; halves of uploads go sooner."""
    media = Media(tmp_path)
    with media.staging(1):
        pass
    hours = 3600
    for name, age in (
        ("upload-1", 2 * hours),
        ("render-7-a", 2 * hours),
        ("render-7-b", 25 * hours),
    ):
        path = tmp_path / "tmp" / name
        path.mkdir()
        os.utime(path, (time.time() - age, time.time() - age))
    assert media.clear_stale() == 2
    assert [path.name for path in (tmp_path / "tmp").iterdir()] == ["render-7-a"]


def test_more_bytes_are_more_memory() -> None:
    """The file counts, not its pixels alone."""
    few, many = (need(Picture("PNG", 100, 100, bytes_, ())) for bytes_ in (1, MOST_BYTES))
    assert many - few == MOST_BYTES - 1
