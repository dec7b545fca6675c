"""A terminal of a test's own: what a person sees who types a command, and types an answer."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from collections.abc import Mapping, Sequence

_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def at_terminal(
    argv: Sequence[str], env: Mapping[str, str], *, typed: str = "", columns: int = 80
) -> tuple[int, str]:
    """Run it at a terminal so wide. Returns its exit code and all that was shown, without codes."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    with subprocess.Popen(argv, stdin=theirs, stdout=theirs, stderr=theirs, env=env) as process:
        os.close(theirs)
        os.write(ours, typed.encode())
        said = b""
        try:
            while part := os.read(ours, 4096):
                said += part
        except OSError:
            # The other end is closed: nobody writes any more.
            pass
        finally:
            os.close(ours)
        code = process.wait(60)
    return code, _CODES.sub("", said.decode(errors="replace")).replace("\r\n", "\n")
