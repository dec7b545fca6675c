"""Sessions in Postgres: of the lab, which leave no trace, and of somebody else, which stay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

if TYPE_CHECKING:
    from lab.stack import Stack

PRIMARY = "postgres-primary"

ENDS_WITHIN_MS = 30_000
"""How long a session may take to be gone once it was ended: on a starved server, seconds."""

Identifier = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]{0,62}$")]

# A session that leaves no trace in the log or in pg_stat_statements: a learner finds there what
# broke, not who did it. Given with the connection, because a SET would be on record itself. And
# DDL must never queue up behind a long query: whatever comes after it would wait, too.
SETTINGS = "log_statement=none log_min_duration_statement=-1 pg_stat_statements.track=none"
OPTIONS = " ".join(f"-c {setting}" for setting in SETTINGS.split())
_SESSION = (
    "\\connect \"user=postgres dbname=darkroom options='{options} -c lock_timeout={lock}s'\"\n"
)

# A client of psql's library that connects, says something, and then keeps its connections until the
# server ends them. It is read from a pipe, so that the list of processes shows no more than that it
# is there. It opens one after another, exactly as many as were asked for. Where none is free it
# tries again, as a careless script does, but not for long: ten seconds without any are enough. What
# the server ends is not opened again, and nothing after it.
_CLIENT = """\
import ctypes, select, sys, time
conninfo, statement, count = sys.argv[1].encode(), sys.argv[2].encode(), int(sys.argv[3])
pq = ctypes.CDLL("libpq.so.5")
pq.PQconnectdb.restype = pq.PQexec.restype = ctypes.c_void_p
pq.PQstatus.argtypes = pq.PQsocket.argtypes = pq.PQfinish.argtypes = [ctypes.c_void_p]
pq.PQconsumeInput.argtypes = [ctypes.c_void_p]
pq.PQexec.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
def ended(within):
    ready = select.select(list(kept), [], [], within)[0]
    over = [at for at in ready if not pq.PQconsumeInput(kept[at]) or pq.PQstatus(kept[at]) != 0]
    for at in over:
        pq.PQfinish(kept.pop(at))
    return over
kept, until = {}, time.monotonic() + 10
while len(kept) < count and time.monotonic() < until and not ended(0):
    made = pq.PQconnectdb(conninfo)
    if pq.PQstatus(made) == 0:
        kept[pq.PQsocket(made)], until = made, time.monotonic() + 10
    else:
        pq.PQfinish(made)
        time.sleep(0.2)
if statement:
    for made in kept.values():
        pq.PQexec(made, statement)
while kept:
    ended(None)
"""


def quietly(
    stack: Stack, statement: str, *, service: str = PRIMARY, lock_timeout: int = 15
) -> list[list[str]]:
    """The rows that `statement` gives the superuser in a session that leaves no trace.

    Raises `CommandFailed` as `Stack.psql` does. `lock_timeout` is in seconds.
    """
    session = _SESSION.format(options=OPTIONS, lock=lock_timeout)
    # Building an index reads the whole table, on a fraction of a core.
    return stack.psql(session + statement, service=service, timeout=120)


def leave_open(
    stack: Stack, conninfo: str, *, statement: str = "", count: int = 1, auth_file: str = ""
) -> None:
    """Let a client in the primary's container open `count` sessions, say `statement` in each, and
    keep them. It outlives this process, and ends when the server has ended them all.

    `conninfo` is libpq's; `auth_file` there holds the password, if one is needed.
    """
    password = f'PGPASSWORD="$(cat {auth_file})" ' if auth_file else ""
    script = f"{password}exec python3 - \"$@\" <<'END'\n{_CLIENT}END\n"
    argv = ["sh", "-c", script, "sh", conninfo, statement, str(count)]
    stack.container(PRIMARY).exec_run(argv, detach=True)


def end_client(stack: Stack, words: str) -> None:
    """End the client whose `conninfo` or `statement` has these words, if it is still there."""
    # Or the shell that is about to become it.
    stack.exec(PRIMARY, ["pkill", "-f", f"^(python3 -|sh -c) .*{words}"])
