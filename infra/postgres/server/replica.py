"""Runs the replica and brings it back by itself.

It starts from the same cluster in the image as the primary, and streams what the primary
wrote since. Where it cannot follow any more it is rebuilt: from the image when the primary's
slot still holds all WAL since, else with pg_basebackup. What an operator can repair (the link,
the password, a dropped slot, paused replay) is left alone; the health check tells of it.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

from cluster import (
    BAKED,
    DATA,
    SLOT,
    SOCKET,
    adopt,
    command,
    incoming,
    lock_volume,
    log,
    secret,
    seed,
)
from following import STUCK, Primary, Standby, Verdict, begin, judge, position

PRIMARY_HOST = os.environ.get("PRIMARY_HOST", "postgres-primary")
PASSFILE = SOCKET / "replicator.pgpass"
POLL = 2.0  # seconds between looks at the standby
ANSWER = 8.0  # seconds until a server that was asked counts as not answering
RETRY = 3.0  # seconds between attempts at a rebuild
REBUILDS = 3  # recoveries in a row that may fail before this container gives up


def conninfo() -> str:
    """How the replica reaches the primary; short time-outs, so that a cut link is noticed."""
    return (
        f"host={PRIMARY_HOST} user=replicator passfile={PASSFILE} application_name=replica "
        "connect_timeout=3 keepalives_idle=3 keepalives_interval=2 keepalives_count=3 "
        "tcp_user_timeout=8000"
    )


def ask(target: str, *statements: str) -> list[str] | None:
    """The last row's columns ("" for null), or None when there is no answer in time.

    By psql in a process of its own: a server that is paused in mid-answer hangs libpq for good.
    """
    words = ["psql", "-XAtq", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-d", target]
    for statement in statements:
        words += ["-c", statement]
    try:
        done = subprocess.run(
            words, check=True, text=True, timeout=ANSWER, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return None
    lines = done.stdout.splitlines()
    return lines[-1].split("\t") if lines else []


def ask_primary(*statements: str) -> list[str] | None:
    """`ask` over a replication connection: those are counted apart, so it works when clients
    have taken every ordinary one."""
    return ask(conninfo() + " dbname=postgres replication=database", *statements)


def look_at_primary() -> Primary | None:
    """The primary's state, or None while it does not answer."""
    row = ask_primary(
        f"""SELECT (SELECT id FROM incarnation), pg_current_wal_flush_lsn(),
                   count(slot_name), max(restart_lsn) FILTER (WHERE wal_status <> 'lost'),
                   (SELECT min(name) FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{{24}}$')
            FROM pg_replication_slots WHERE slot_name = '{SLOT}'"""  # noqa: S608 - a constant
    )
    if not row:
        return None
    return Primary(
        incarnation=row[0] or None,
        lsn=position(row[1]),
        slot=row[2] != "0",
        # A standby that asks for what is gone drags the slot back behind what is there.
        kept=max(position(row[3]), begin(row[4])) if row[3] else None,
    )


def look_at_standby() -> Standby | None:
    """The standby's state, or None while it does not accept connections."""
    row = ask(
        f"host={SOCKET} user=postgres dbname=postgres connect_timeout=3",
        """SELECT (SELECT id FROM incarnation),
                  greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()),
                  (SELECT pid FROM pg_stat_wal_receiver WHERE status = 'streaming')""",
    )
    if not row or not row[1]:
        return None
    return Standby(
        incarnation=row[0] or None,
        lsn=position(row[1]),
        receiver=int(row[2]) if row[2] else None,
    )


def baked_position() -> int:
    """Where replay of the image's cluster begins."""
    text = subprocess.run(
        ["pg_controldata", BAKED], check=True, capture_output=True, text=True
    ).stdout
    match = re.search(r"REDO location:\s+(\S+)", text)
    if match is None:
        raise SystemExit("server: the image's cluster has no checkpoint")
    return position(match[1])


def as_standby(path: Path) -> Path:
    """Turn the cluster at `path` into a standby: no slots of its own, recovery without end."""
    for slot in (path / "pg_replslot").iterdir():
        shutil.rmtree(slot)
    (path / "standby.signal").touch()
    return path


def rebuild(primary: Primary, *, from_image: bool) -> bool:
    """Replace the standby's cluster by one that can follow; False when that failed."""
    if from_image and primary.kept is not None and primary.kept <= baked_position():
        log("rebuilding from the image's cluster")
        adopt(as_standby(seed()))
        return True
    log("rebuilding with pg_basebackup")
    if primary.kept is None:
        drop = [f"SELECT pg_drop_replication_slot('{SLOT}')"] if primary.slot else []
        ask_primary(*drop, f"SELECT pg_create_physical_replication_slot('{SLOT}', true)")
    path = incoming()
    words = ["pg_basebackup", "-d", conninfo(), "-D", str(path), "-X", "stream", "-S", SLOT]
    words += ["--checkpoint=fast", "--no-sync", "--no-manifest"]
    if subprocess.run(words, check=False).returncode != 0:
        return False
    adopt(as_standby(path))
    return True


class Supervisor:
    """One standby process and what it takes to keep it following."""

    def __init__(self) -> None:
        self.server: subprocess.Popen[bytes] | None = None
        self.verified: int | None = None  # the receiver known to follow the right primary
        self.streamed = time.monotonic()  # when it last streamed, or could not have
        self.failures = 0
        self.said = ""

    def start(self) -> None:
        """Start Postgres on the cluster as it is."""
        words = command(
            "cluster_name=replica",
            f"primary_conninfo={conninfo()}",
            f"primary_slot_name={SLOT}",
        )
        self.server = subprocess.Popen(words, close_fds=False)
        self.verified = None
        self.streamed = time.monotonic()

    def stop(self) -> int:
        """Shut Postgres down (fast mode); its exit code."""
        if self.server is None:
            return 0
        if self.server.poll() is None:
            self.server.send_signal(signal.SIGINT)
        return self.server.wait()

    def look(self) -> None:
        """One look at the standby; rebuilds it where it cannot follow any more."""
        standby = look_at_standby()
        if standby and standby.receiver and standby.receiver == self.verified:
            self.streamed = time.monotonic()
            self.failures = 0
            return
        primary = look_at_primary()
        if primary is None:
            self.streamed = time.monotonic()
            self.say("the primary does not answer")
            return
        idle = time.monotonic() - self.streamed
        verdict, why = judge(standby, primary, idle)
        if verdict is Verdict.REBUILD:
            # A stream that began between the two questions makes the standby's answer look older
            # than what the primary keeps: so it is asked once more, and both must agree.
            verdict, why = judge(look_at_standby(), primary, idle)
        self.say(why)
        if verdict is Verdict.REBUILD:
            self.stop()
            # From the image it would begin where it has just been stuck.
            self.replace(from_image=idle <= STUCK)
        elif standby is not None:
            self.verified = standby.receiver

    def replace(self, *, from_image: bool) -> None:
        """Rebuild, as often as it takes, and start again."""
        while True:
            primary = look_at_primary()
            if primary is not None and rebuild(primary, from_image=from_image):
                break
            time.sleep(RETRY)
        self.start()

    def ended(self, code: int) -> None:
        """Postgres ended by itself.

        Killed (below 0) or stopped (0) by somebody stays so and ends the container; a recovery
        that failed is worth a new cluster, from the primary as it is now.
        """
        self.failures += 1
        if code <= 0 or self.failures > REBUILDS:
            raise SystemExit(code if code >= 0 else 128 - code)
        log(f"the standby ended with exit code {code}")
        self.replace(from_image=False)

    def say(self, what: str) -> None:
        """Log a state when it changes."""
        if what != self.said:
            log(what)
            self.said = what

    def run(self) -> None:
        """Supervise until a signal or the end of Postgres."""
        self.start()
        while True:
            assert self.server is not None
            try:
                code = self.server.wait(timeout=POLL)
            except subprocess.TimeoutExpired:
                self.look()
            else:
                self.ended(code)


def write_passfile() -> None:
    """Give libpq the replication password without showing it in a command line."""
    password = secret("postgres_replication").replace("\\", "\\\\").replace(":", "\\:")
    PASSFILE.touch(mode=0o600)
    PASSFILE.write_text(f"*:*:*:replicator:{password}\n", encoding="utf-8")


def main() -> None:
    supervisor = Supervisor()

    def leave(_number: int, _frame: object) -> None:
        raise SystemExit(supervisor.stop())

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    lock_volume()
    write_passfile()
    if not DATA.exists():
        log("empty volume: copying the image's cluster")
        adopt(as_standby(seed()))
    supervisor.run()


if __name__ == "__main__":
    main()
