"""The commands of the lab as an operator types them: processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any

from lab.home import Home
from lab.journal import Journal


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Operator:
    """Somebody at a terminal, on the stack of one home."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.env = {**os.environ, "LAB_PROJECT": home.project, "LAB_HOME": str(home.base)}

    def type(self, *args: str, stdin: str | None = None, within: float = 300) -> Said:
        """Run `lab ARGS` and wait for its end."""
        done = subprocess.run(
            [sys.executable, "-m", "lab", *args],
            input=stdin if stdin is not None else "",
            capture_output=True,
            text=True,
            timeout=within,
            env=self.env,
            check=False,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def begin(self, *args: str, env: dict[str, str] | None = None) -> subprocess.Popen[str]:
        """Run `lab ARGS` and do not wait."""
        return subprocess.Popen(
            [sys.executable, "-m", "lab", *args],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=env or self.env,
        )

    def run_script(self, path: str, environment: dict[str, str]) -> None:
        """Run a script of the scenario as it stands, with what `lab start` said to set."""
        subprocess.run(
            [str(self.home.root / path)],
            cwd=self.home.root,
            env={**os.environ, **environment},
            capture_output=True,
            timeout=300,
            check=True,
        )

    def wait_for_page(self, within: float = 120) -> None:
        """Wait until `lab status` says that the pager has rung."""
        until = time.monotonic() + within
        while self.type("ack").code != 0:
            assert time.monotonic() < until, self.type("status").out
            time.sleep(1)

    def wait_for_phase(self, *stamps: str, runner: subprocess.Popen[str], within: float) -> None:
        """Wait until the open incident has each of these stamps in the journal."""
        until = time.monotonic() + within
        while True:
            if self.home.db.exists():
                with Journal(self.home.db) as journal:
                    row = journal.open_one()
                if row is not None and all(getattr(row, name) is not None for name in stamps):
                    return
            ended = runner.poll()
            assert ended is None, f"ended with {ended}: {runner.stderr and runner.stderr.read()}"
            assert time.monotonic() < until, f"no open incident with {stamps}"
            time.sleep(0.05)
