"""Starts the primary: seed a fresh volume, set passwords, become Postgres.

Passwords, the replica's slot and the primary's incarnation are set in single-user mode, before
any client can connect; this process then turns into the postmaster, which has the signals
and the exit code to itself.
"""

from __future__ import annotations

import os
import subprocess

from cluster import DATA, SLOT, adopt, command, lock_volume, log, secret, seed

ROLES = {
    "darkroom": "postgres_app",
    "replicator": "postgres_replication",
    "monitor": "postgres_monitor",
}


def quoted(text: str) -> str:
    """`text` as an SQL literal; whatever a hand-made secret holds."""
    return "'" + text.replace("'", "''") + "'"


def preparation() -> list[str]:
    """What must hold before clients come, as statements that may run at every start."""
    statements = [
        f"ALTER ROLE {role} PASSWORD {quoted(secret(name))}" for role, name in ROLES.items()
    ]
    statements.append(
        "INSERT INTO incarnation SELECT gen_random_uuid() "
        "WHERE NOT EXISTS (SELECT FROM incarnation)"
    )
    slot = quoted(SLOT)
    statements.append(
        f"SELECT pg_create_physical_replication_slot({slot}, true) "  # noqa: S608 - a constant
        f"WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = {slot})"
    )
    return statements


def prepare() -> None:
    """Run `preparation` without a server. Raises SystemExit when a statement fails."""
    words = command(
        "exit_on_error=on",
        "shared_preload_libraries=",
        # Statements with passwords must not be logged, not even when they fail.
        "log_min_duration_statement=-1",
        "log_min_error_statement=panic",
    )
    words[1:1] = ["--single"]
    words.append("postgres")
    text = "".join(statement + "\n" for statement in preparation())
    done = subprocess.run(words, input=text, text=True, stdout=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        raise SystemExit(f"server: preparation failed with exit code {done.returncode}")


def main() -> None:
    lock_volume()
    if not DATA.exists():
        log("empty volume: copying the image's cluster")
        adopt(seed())
    prepare()
    words = command("cluster_name=primary")
    os.execvp(words[0], words)  # noqa: S606 - no shell is the point


if __name__ == "__main__":
    main()
