"""The command that opens the control room."""

from __future__ import annotations

from typing import Annotated

import typer

from lab.cli import command
from lab.room.address import PORT


@command("room")
def room_command(
    *,
    host: Annotated[
        str, typer.Option("--host", help="Where it listens: 0.0.0.0 for others, too.")
    ] = "127.0.0.1",
    port: Annotated[
        int | None,
        typer.Option("--port", min=1, max=65535, help=f"{PORT}, or the next one that is free."),
    ] = None,
    known_as: Annotated[
        list[str] | None,
        typer.Option("--known-as", help="A name for this machine that others type; repeatable."),
    ] = None,
    leave: Annotated[
        bool, typer.Option("--leave", help="Close by itself when nobody has needed it for long.")
    ] = False,
) -> None:
    """Open the control room: a web page for the night. The address that it says lets one in."""
    import os

    from lab.doors import open_doors
    from lab.home import Home
    from lab.screen.console import console

    home = Home.find()
    home.prepare()
    # Read when NiceGUI is imported: what a browser chose to see is kept with the rest of the home.
    os.environ["NICEGUI_STORAGE_PATH"] = str(home.dir / "room")
    from lab.room.address import entrance, is_local, listen, new_token, urls
    from lab.room.beside import forget, kept_token, write_note
    from lab.room.server import serve

    # Whoever was in the last workshop is not in the next.
    token = kept_token(home) if is_local(host) else new_token()
    names = [host, *(known_as or ())]
    with listen(host, port) as listening:
        chosen = listening.getsockname()[1]
        here, *others = urls(host, chosen)
        others += [f"http://{name}:{chosen}" for name in names[1:]]
        console().print(f"Control room: {entrance(here, token)}", soft_wrap=True)
        for url in others:
            console().print(f"  for others: {entrance(url, token)}", soft_wrap=True)
        console().print("Ctrl-C closes it; an incident goes on without it.")
        write_note(home, here, token, leave=leave)
        try:
            serve(lambda: open_doors(home), listening, token, names=names, leave=leave)
        finally:
            forget(home)
