"""Reading BuildKit's plain progress, to know how far a build of several images is."""

from __future__ import annotations

import re

# "#12 [api-1 3/7] RUN pip install ..." and, of a multi-stage build, "#12 [api-1 wheels 3/7] RUN".
_STEP = re.compile(r"#(\d+) \[(?:(\S+) )?(?:(\S+) )?\s*(\d+)/(\d+)\] (.*)")
_DONE = re.compile(r"#(\d+) (?:DONE|CACHED)")


class BuildProgress:
    """How many of the steps that have been announced so far are done."""

    def __init__(self) -> None:
        self._stage_of: dict[str, str] = {}
        self._steps: dict[str, int] = {}
        self._done: set[str] = set()
        self.doing = ""

    def read(self, line: str) -> None:
        """Take in one line of the build's output."""
        if step := _STEP.match(line):
            number, image, stage, _, total, text = step.groups()
            name = f"{image or ''} {stage or ''}".strip()
            self._stage_of[number] = name
            self._steps[name] = int(total)
            self.doing = f"{image or ''}: {text}".strip(": ")
        elif (done := _DONE.match(line)) and done.group(1) in self._stage_of:
            self._done.add(done.group(1))

    @property
    def done(self) -> int:
        return len(self._done)

    @property
    def total(self) -> int:
        return max(sum(self._steps.values()), 1)
