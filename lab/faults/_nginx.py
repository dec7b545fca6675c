"""What the front door is told in its files, and whether it has taken that up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from lab.command import CommandFailed
from lab.errors import Failed
from lab.faults._settings import Target

if TYPE_CHECKING:
    from lab.stack import Stack

# nginx shows its files (-T), but not what it has read of them. So: is the youngest worker, which is
# as old as the last reload, younger than the file? Ages in seconds, to a hundredth.
_AGES = """
for process in /proc/[0-9]*; do
    case "$(tr '\\0' ' ' < "$process/cmdline" 2>/dev/null)" in
        "nginx: worker process "*"shutting"*) ;;
        "nginx: worker process"*) sed 's/.*) //' "$process/stat" | cut -d ' ' -f 20 ;;
    esac
done | sort -n | tail -n 1
getconf CLK_TCK
cut -d ' ' -f 1 /proc/uptime
stat -c %.Z "$1"
date +%s.%N
"""


class Nginx(Target):
    """One text of a file in /etc/nginx becomes another, and nginx reloads its configuration.

    What an operator has changed of the rest stays. A restart keeps it; a new container has the
    files of its image.
    """

    target: Literal["nginx"]
    file: Annotated[str, Field(pattern=r"^(lua/)?[a-z_-]+\.(conf|lua)$")]
    text: Annotated[str, Field(min_length=3)]
    becomes: Annotated[str, Field(min_length=3)]

    def __str__(self) -> str:
        return f"{self.file} of nginx has {self.becomes!r}"

    def configured(self, stack: Stack) -> str | None:
        content = self._read(stack)
        if content.count(self.text) != 1 or self.becomes in content.replace(self.text, ""):
            raise Failed(f"{self.file} does not have {self.text!r} once, and not {self.becomes!r}")
        return self.text

    def in_force(self, stack: Stack) -> bool:
        """Where the file has been edited and not been taken up, it is the other way round."""
        return (self.becomes in self._read(stack)) is self._taken_up(stack)

    def configure(self, stack: Stack) -> None:
        if self.becomes not in self._read(stack):
            self._replace(stack, self.text, self.becomes)

    def undo(self, stack: Stack, before: str | None) -> None:
        self._replace(stack, self.becomes, before or self.text)

    def _replace(self, stack: Stack, old: str, new: str) -> None:
        content = self._read(stack)
        if old in content:
            # The files are root's; nginx is not, and only its own user may signal it.
            self._run(stack, ["tee", self._path], user="root", stdin=content.replace(old, new))
        if old in content or not self._taken_up(stack):
            self._run(stack, ["nginx", "-t"])
            self._run(stack, ["nginx", "-s", "reload"])

    @property
    def _path(self) -> str:
        return f"/etc/nginx/{self.file}"

    def _read(self, stack: Stack) -> str:
        return self._run(stack, ["cat", self._path])

    def _taken_up(self, stack: Stack) -> bool:
        said = self._run(stack, ["sh", "-c", _AGES, "sh", self._path]).split()
        if len(said) != 5:
            raise Failed("nginx has no worker", remedy="`docker compose logs nginx` says why")
        began, ticks, up, changed, now = map(float, said)
        return up - began / ticks < now - changed

    def _run(
        self, stack: Stack, argv: list[str], *, user: str | None = None, stdin: str | None = None
    ) -> str:
        done = stack.exec("nginx", argv, user=user, stdin=stdin)
        if done.code != 0:
            raise CommandFailed(argv, done.code, done.stderr or done.stdout)
        return done.stdout
