"""What can be set where: how a target is configured, and what it says is in force."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from lab.command import CommandFailed
from lab.errors import Failed
from lab.faults._redis import cli, config_get, config_set
from lab.faults._sessions import quietly

if TYPE_CHECKING:
    from lab.stack import Stack

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.-]{0,62}$")]
Value = Annotated[str, Field(pattern=r"^[^'\"\\\n]*$")]


class Target(BaseModel, ABC):
    """One change of one target."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @abstractmethod
    def configured(self, stack: Stack) -> str | None:
        """What is configured now; None where nothing is. Changes nothing.

        Raises `Failed` when this can't be changed here.
        """

    @abstractmethod
    def in_force(self, stack: Stack) -> bool:
        """Whether the running target has the changed value."""

    @abstractmethod
    def configure(self, stack: Stack) -> None:
        """Make the change, and let the target take it up."""

    @abstractmethod
    def undo(self, stack: Stack, before: str | None) -> None:
        """Configure what was configured `before`, unless it is neither that nor the change now."""


class Postgres(Target):
    """ALTER SYSTEM and a reload. `value` as SHOW tells it: 30s, and not 30000."""

    target: Literal["postgres"]
    service: Literal["postgres-primary", "postgres-replica"] = "postgres-primary"
    name: Name
    value: Value

    def __str__(self) -> str:
        return f"{self.name} of {self.service} is {self.value!r}"

    def configured(self, stack: Stack) -> str | None:
        known = f"SELECT context FROM pg_settings WHERE name = '{self.name}'"  # noqa: S608
        found = self._ask(stack, known)
        context = found[0][0] if found else "not there"
        if context in ("not there", "internal", "postmaster"):
            raise Failed(f"{self.name} of {self.service} cannot be changed: it is {context}")
        if context in ("user", "superuser"):
            tried = f"BEGIN; SELECT set_config('{self.name}', '{self.value}', true); ROLLBACK"
            try:
                ((told,),) = self._ask(stack, tried)
            except CommandFailed as error:
                raise Failed(f"{self.name} cannot be {self.value!r}: {error.stderr}") from error
            if told != self.value:
                raise Failed(f"SHOW {self.name} would not say {self.value!r}, but {told!r}")
        return self._written(stack)

    def in_force(self, stack: Stack) -> bool:
        return self._ask(stack, f"SHOW {self.name}") == [[self.value]]

    def configure(self, stack: Stack) -> None:
        self._write(stack, f"SET {self.name} TO '{self.value}'")

    def undo(self, stack: Stack, before: str | None) -> None:
        if self._written(stack) != self.value:
            return
        how = f"RESET {self.name}" if before is None else f"SET {self.name} TO '{before}'"
        self._write(stack, how)

    def _written(self, stack: Stack) -> str | None:
        rows = self._ask(
            stack,
            "SELECT setting FROM pg_file_settings "  # noqa: S608 - a Name
            f"WHERE sourcefile LIKE '%/postgresql.auto.conf' AND name = '{self.name}'",
        )
        return rows[-1][0] if rows else None

    def _write(self, stack: Stack, how: str) -> None:
        # Two commands of one session, as ALTER SYSTEM wants no transaction around it.
        self._ask(stack, f"ALTER SYSTEM {how};\nSELECT pg_reload_conf()")

    def _ask(self, stack: Stack, statement: str) -> list[list[str]]:
        return quietly(stack, statement, service=self.service)


class Redis(Target):
    """CONFIG SET. `value` as CONFIG GET tells it: 2097152, and not 2mb."""

    target: Literal["redis"]
    service: Literal["redis-cache", "redis-broker"]
    name: Name
    value: Value

    def __str__(self) -> str:
        return f"{self.name} of {self.service} is {self.value!r}"

    def configured(self, stack: Stack) -> str | None:
        return config_get(stack, self.service, self.name)

    def in_force(self, stack: Stack) -> bool:
        return config_get(stack, self.service, self.name) == self.value

    def configure(self, stack: Stack) -> None:
        config_set(stack, self.service, self.name, self.value)

    def undo(self, stack: Stack, before: str | None) -> None:
        if before is not None and self.in_force(stack):
            config_set(stack, self.service, self.name, before)


class Flag(Target):
    """A switch of the application: a field of the hash `flags` in redis-broker. On, off, or a
    number."""

    target: Literal["flag"]
    name: Name
    value: Annotated[str, Field(pattern=r"^(on|off|\d+(\.\d+)?)$")]

    def __str__(self) -> str:
        return f"the flag {self.name} is {self.value}"

    def configured(self, stack: Stack) -> str | None:
        shown = self._shown(stack)
        if not any(shown):
            raise Failed("no replica of the API says which flags there are", remedy="lab up")
        if not any(self.name in flags for flags in shown):
            there = ", ".join(sorted(set().union(*shown)))
            raise Failed(f"there is no flag {self.name!r}; there are {there}")
        return self._field(stack)

    def in_force(self, stack: Stack) -> bool:
        wanted = {"on": 1.0, "off": 0.0}.get(self.value)
        wanted = float(self.value) if wanted is None else wanted
        return any(flags.get(self.name) == wanted for flags in self._shown(stack))

    def configure(self, stack: Stack) -> None:
        cli(stack, "redis-broker", "HSET", "flags", self.name, self.value)

    def undo(self, stack: Stack, before: str | None) -> None:
        if self._field(stack) != self.value:
            return
        if before is None:
            cli(stack, "redis-broker", "HDEL", "flags", self.name)
        else:
            cli(stack, "redis-broker", "HSET", "flags", self.name, before)

    def _field(self, stack: Stack) -> str | None:
        if cli(stack, "redis-broker", "HEXISTS", "flags", self.name) == ["0"]:
            return None
        return "".join(cli(stack, "redis-broker", "HGET", "flags", self.name))

    def _shown(self, stack: Stack) -> list[dict[str, float]]:
        """What each replica that answers has in force, by the flag's name."""
        found = []
        for replica in (name for name in stack.expected if name.split("-")[0] == "api"):
            try:
                answer = stack.exec(replica, ["curl", "-sS", "http://127.0.0.1:8000/metrics"])
            except Failed:
                continue
            lines = (
                line.partition('darkroom_flag{flag="')[2] for line in answer.stdout.split("\n")
            )
            pairs = (line.split('"} ') for line in lines if line)
            found.append({name: float(value) for name, value in pairs})
        return found
