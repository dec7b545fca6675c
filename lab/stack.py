"""The one door to the stack: its life, its services, and what is done inside them."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from lab import engine
from lab.command import CommandFailed, Exec, run
from lab.compose import Project, ServiceState
from lab.errors import BadInput, Failed, MachineLacks
from lab.home import Home
from lab.pristine import DATABASES, throw_away
from lab.progress import QUIET, Report, Step
from lab.settings import PUBLISHED, make_secrets, read_env, write_env

if TYPE_CHECKING:
    from docker.models.containers import Container

__all__ = ["ServiceState", "Stack"]

# Seconds until every service must say that it is well, where all containers are fresh. They take
# about five, and much longer on a busy machine. Old ones in the way get less patience.
DEADLINE = 120
PATIENCE = 60
# Seconds between two rounds of asking: each question costs the engine some CPU.
PAUSE = 0.25


class NotWell(Failed):
    """Some services did not come up; ``services`` tells which, the message what they said last."""

    def __init__(self, services: Sequence[ServiceState], words: str) -> None:
        self.services = services
        super().__init__(
            f"the stack did not come up:\n{words}",
            remedy="`docker compose logs SERVICE` has it all; `lab doctor` looks at the machine",
        )


class Stack:
    """The running system under test of one lab home.

    Every method that needs the engine raises ``MachineLacks`` where none answers, and
    ``CommandFailed`` (command, exit code, stderr) where a command of docker's fails.
    """

    def __init__(self, home: Home | None = None, *, for_healing: bool = False) -> None:
        """`for_healing`: a home that cannot be written to is taken as it is."""
        self.home = home or Home.find()
        self.for_healing = for_healing
        self.project = Project(self.home)

    # -- life ---------------------------------------------------------------------------------

    def up(self, report: Report = QUIET) -> list[ServiceState]:
        """Bring every service to healthy, from whatever state machine and stack are in.

        Returns the services as they are then. Raises ``NotWell`` with the last log lines of each
        service that did not come up, ``MachineLacks`` for what this machine has not, ``BadInput``
        for an explicitly chosen port that is taken.
        """
        self._prepare(report)
        with report.step("bringing the stack up") as step:
            self._clear_the_way()
            try:
                return self._start(step, PATIENCE)
            except NotWell as error:
                ill = error.services
            except CommandFailed:
                ill = [state for state in self.services() if state.state != "running"]
                if not ill:
                    raise
            # Once more, with fresh containers where the old ones do not get well.
            step.at(0, 1, f"again: {', '.join(state.name for state in ill)}")
            self.project.remove([state.container_id for state in ill if state.container_id])
            # A port that was free may have been taken meanwhile, by another stack that starts.
            self._prepare(report)
            return self._start(step, DEADLINE)

    def refresh(self, report: Report = QUIET) -> None:
        """Build every image anew, with Debian's packages of today; the next `up` takes them.

        Raises ``Failed`` with the end of the build's log, ``MachineLacks`` for what this machine
        has not.
        """
        from lab.host.images import Images
        from lab.host.machine import Machine

        self.home.prepare()
        Machine(self.home, report).ready()
        Images(self.home, report, self.project).refresh()

    def down(self, *, volumes: bool = False) -> None:
        """Remove every container of the stack, and with ``volumes`` its data too.

        Raises ``BadInput`` while it is another checkout's.
        """
        self.refuse_others()
        self.project.unpause()
        # A network with a guest on it cannot be removed.
        for guest in self.project.guests():
            self.project.show_out(guest)
        extra = ["--volumes"] if volumes else []
        self.project.compose("--profile", "*", "down", "--remove-orphans", "--timeout", "5", *extra)

    def reset(self, report: Report = QUIET) -> list[ServiceState]:
        """Throw away what customers and incidents have changed: database, caches, media, ledger.

        The database comes back from its image, so this takes seconds. Returns and raises as ``up``.
        """
        self._prepare(report)
        with report.step("going back to the pristine database") as step:
            self._clear_the_way()
            throw_away(self.project)
            return self._start(step, DEADLINE)

    def refuse_others(self) -> None:
        """Raises ``BadInput`` while the stack is another checkout's: whatever changes something
        asks first. Where no engine answers nobody's is up."""
        with suppress(MachineLacks):
            self.project.refuse_others()

    # -- looking ------------------------------------------------------------------------------

    @property
    def expected(self) -> list[str]:
        """The names of the services that should run: all but those of profiles not enabled."""
        return self.project.services()

    def services(self) -> list[ServiceState]:
        """Every service by name: those that should run and those that do.

        An extra replica that has ended is missed by nobody.
        """
        expected = self.expected
        found = {
            state.name: state
            for state in self.project.states()
            if state.name in expected or state.state != "exited"
        }
        names = sorted({*expected, *found})
        return [found.get(name, ServiceState(name, "missing")) for name in names]

    def container(self, service: str) -> Container:
        """The container of ``service``, running or not, as the docker SDK's object.

        Raises ``Failed`` where it has none.
        """
        return engine.client().containers.get(self._container_id(service))

    def logs(
        self, service: str, lines: int = 20, *, since: float | None = None, until: float = 0
    ) -> str:
        """The last ``lines`` lines that ``service`` has written; or all that it wrote from
        ``since`` to ``until`` (Unix seconds)."""
        container = self.container(service)
        said: bytes = (
            # The engine takes the tail first and then looks at the time: never both.
            container.logs(tail=lines)
            if since is None
            else container.logs(since=since, until=until)
        )
        return said.decode(errors="replace")

    def healthy(self, service: str) -> bool:
        """Whether ``service`` runs and passes its own health check, if it has one, now."""
        from docker.errors import APIError

        container = self.container(service)
        if container.status != "running":
            return False
        test = (container.attrs["Config"].get("Healthcheck") or {}).get("Test") or []
        match test:
            case ["CMD", *argv]:
                pass
            case ["CMD-SHELL", line]:
                argv = ["sh", "-c", line]
            case _:
                return True
        try:
            code, _ = container.exec_run(argv)
        except APIError:
            # It has ended meanwhile.
            return False
        return bool(code == 0)

    def url(self, service: str) -> str:
        """Where this machine reaches ``service``, as ``http://127.0.0.1:<port>``.

        Raises ``BadInput`` for a service that publishes nothing, ``Failed`` while it does not run.
        """
        if service not in PUBLISHED:
            raise BadInput(f"the service {service!r} publishes no port on this machine")
        try:
            return self.addresses()[service]
        except KeyError:
            raise Failed(
                f"the service {service!r} of the stack {self.home.project} does not run",
                remedy="`lab up` starts it",
            ) from None

    def addresses(self) -> dict[str, str]:
        """Where this machine reaches each service that runs and publishes a port.

        As the engine has it: what was once chosen, or is usual, may be another stack's by now.
        """
        held = self.project.published()
        return {name: f"http://127.0.0.1:{port}" for name, port in held.items()}

    @property
    def env(self) -> dict[str, str]:
        """The variables that compose reads from this stack's env file."""
        return read_env(self.home.env_file)

    # -- acting inside ------------------------------------------------------------------------

    def exec(
        self,
        service: str,
        argv: Sequence[str],
        *,
        stdin: str | None = None,
        user: str | None = None,
        timeout: float = 30,
    ) -> Exec:
        """Run ``argv`` in the container of ``service`` and return whatever came of it.

        Raises ``CommandFailed`` when it does not end within ``timeout`` seconds.
        """
        options = ["--interactive"] if stdin is not None else []
        options += ["--user", user] if user is not None else []
        inside = ["docker", "exec", *options, self._container_id(service), *argv]
        return run(inside, stdin=stdin, timeout=timeout, check=False)

    def psql(
        self,
        sql: str,
        *,
        service: str = "postgres-primary",
        database: str = "darkroom",
        timeout: float = 30,
    ) -> list[list[str]]:
        """The rows that ``sql`` gives the superuser, as text; NULL is the empty text.

        Raises ``CommandFailed`` with what psql said where a statement fails.
        """
        argv = ["psql", "-X", "-q", "--csv", "--tuples-only", "-v", "ON_ERROR_STOP=1"]
        argv += ["-U", "postgres", "-d", database, "-f", "-"]
        done = self.exec(service, argv, stdin=sql, timeout=timeout)
        if done.code != 0:
            raise CommandFailed(argv, done.code, done.stderr)
        return list(csv.reader(io.StringIO(done.stdout)))

    # -- within -------------------------------------------------------------------------------

    def _prepare(self, report: Report) -> None:
        """Machine, images, passwords and ports: all that compose needs."""
        from lab.host import share
        from lab.host.images import Images
        from lab.host.machine import Machine

        try:
            self.home.prepare()
        except MachineLacks as error:
            if not (self.for_healing and self.home.env_file.exists()):
                raise
            report.say(f"{error.message}; passwords, ports and images stay as they are")
            Machine(self.home, report).ready()
            return
        Machine(self.home, report).ready()
        # What runs already has read the passwords that there were.
        self.project.claim(anew=make_secrets(self.home))
        images = Images(self.home, report, self.project)
        images.ready()
        write_env(
            self.home,
            set(self.project.published().values()),
            extras=images.extras(),
            cgroup=share.parent(),
        )

    def _start(self, step: Step, deadline: float) -> list[ServiceState]:
        """Start what does not run, and wait until every service says itself that it is well.

        The engine's own word comes from its next probe, which is seconds away. Raises ``NotWell``
        when some have ended, or are not well after ``deadline`` seconds.
        """
        from lab.host import share

        options = ("--detach", "--remove-orphans", "--pull", "never")
        self.project.compose("up", *options, timeout=DEADLINE)
        share.claim(self.env.get("LAB_CGROUP", ""))
        until = time.monotonic() + deadline
        everybody = self.expected
        # Databases first: nobody who needs them is well before they are, and asking costs CPU.
        waiting = [name for name in everybody if name in DATABASES] or everybody
        well: set[str] = set()
        while waiting:
            with ThreadPoolExecutor(4) as pool:
                answers = list(pool.map(self.healthy, waiting))
            well |= {name for name, answer in zip(waiting, answers, strict=True) if answer}
            step.at(len(well), len(everybody), "asking every service")
            if not all(answers):
                ill = [state for state in self.services() if state.name in set(waiting) - well]
                ended = any(state.state in ("exited", "dead", "missing") for state in ill)
                if ended or time.monotonic() > until:
                    raise NotWell(ill, "\n".join(self._last_words(ill)))
                time.sleep(PAUSE)
            databases = [name for name in everybody if name in DATABASES and name not in well]
            waiting = databases or [name for name in everybody if name not in well]
        return [
            replace(state, health="healthy") if state.health else state for state in self.services()
        ]

    def _clear_the_way(self) -> None:
        """Remove what compose would stumble over: it starts containers, it does not mend them.

        And what it would leave: replicas that somebody has added, of services whose profile is off.
        A paused container cannot be started, a dead one never will be, one that is off the network
        stays off it, and waiting on an unhealthy one fails at once.
        """
        self.project.unpause()
        expected = self.expected
        hopeless = [
            state.container_id
            for state in self.project.states()
            if state.name not in expected
            or state.state in ("dead", "removing", "restarting")
            or state.health == "unhealthy"
            or (state.state == "running" and not self.project.reachable(state))
        ]
        self.project.remove(hopeless)

    def _last_words(self, ill: Iterable[ServiceState]) -> Iterable[str]:
        for service in ill:
            health = f", {service.health}" if service.health else ""
            yield f"{service.name}: {service.state}{health}"
            if service.container_id:
                yield from (f"  {line}" for line in self.logs(service.name, 10).splitlines())

    def _container_id(self, service: str) -> str:
        found = self.project.containers(service)
        if not found:
            raise Failed(f"the service {service!r} has no container", remedy="lab up")
        return str(found[0]["Id"])
