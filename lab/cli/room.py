"""The command that opens the control room."""

from __future__ import annotations

from typing import Annotated

import typer

from lab.cli import command

PORT = 8300


@command("room")
def room_command(
    *,
    host: Annotated[
        str, typer.Option("--host", help="Where it listens; beyond this machine it asks a token.")
    ] = "127.0.0.1",
    port: Annotated[
        int | None, typer.Option("--port", help=f"{PORT}, or the next one that is free.")
    ] = None,
    leave: Annotated[
        bool, typer.Option("--leave", help="Close by itself when nobody has needed it for long.")
    ] = False,
) -> None:
    """Open the control room: a local web page for the night."""
    import os

    from lab.doors import open_doors
    from lab.home import Home
    from lab.screen.console import console
    from lab.settings import is_free

    home = Home.find()
    home.prepare()
    # Read when NiceGUI is imported: what a browser chose to see is kept with the rest of the home.
    os.environ["NICEGUI_STORAGE_PATH"] = str(home.dir / "room")
    from lab.room.beside import forget, write_note
    from lab.room.server import is_local, new_token, serve

    chosen = port or next(one for one in range(PORT, PORT + 100) if is_free(one))
    token = None if is_local(host) else new_token()
    asked = f"/?token={token}" if token else "/"
    console().print(f"Control room: http://{host}:{chosen}{asked}", soft_wrap=True)
    console().print("Ctrl-C closes it; an incident goes on without it.")
    write_note(home, f"http://{host}:{chosen}", leave=leave)
    try:
        serve(lambda: open_doors(home), host, chosen, token, leave=leave)
    finally:
        forget(home)
