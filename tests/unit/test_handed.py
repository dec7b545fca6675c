"""What people hand over in files and on standard input: read as far as it makes sense to."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest

from lab.errors import BadInput
from lab.handed import MOST_TEXT, read_bytes, read_stdin, read_text


def test_a_file_is_read(tmp_path: Path) -> None:
    """All of it, up to its last byte."""
    path = tmp_path / "a file"
    path.write_text("é" * (MOST_TEXT // 2))
    assert read_text(path) == "é" * (MOST_TEXT // 2)
    assert read_bytes(path, MOST_TEXT) == path.read_bytes()


def test_what_is_no_file_is_not_even_begun(tmp_path: Path) -> None:
    """A pipe that nobody writes to, a device without end, a directory, a name that none has."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path, why in (
        (pipe, "a pipe"),
        (Path("/dev/zero"), "a device"),
        (tmp_path, "a directory"),
        (tmp_path / "none", "cannot be read"),
        (Path("a\0b"), "cannot be read"),
        (Path("a" * 5000), "cannot be read"),
    ):
        with pytest.raises(BadInput, match=why):
            read_bytes(path, 10)


def test_what_is_too_large_is_not_read_to_its_end(tmp_path: Path) -> None:
    """Said with the size that would do."""
    path = tmp_path / "large"
    path.write_bytes(b"x" * (MOST_TEXT + 1))
    with pytest.raises(BadInput, match=f"larger than {MOST_TEXT} bytes"):
        read_text(path)


def test_what_is_no_text_is_placed(tmp_path: Path) -> None:
    """With the first byte that is not UTF-8."""
    path = tmp_path / "latin-1"
    path.write_bytes(b"caf\xe9")
    with pytest.raises(BadInput, match=r"latin-1: not UTF-8 text \(byte 3\)"):
        read_text(path)


def test_standard_input_is_read_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounded, and refused where it is no text."""
    for given, why in ((b"caf\xe9", "not UTF-8"), (b"x" * (MOST_TEXT + 1), "more than")):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
        with pytest.raises(BadInput, match=f"standard input: {why}"):
            read_stdin()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("é".encode())))
    assert read_stdin() == "é"
