"""Words of SQL, quoted."""

from __future__ import annotations

# Settings whose value is a list: quoted as a whole it would be a single, strange name.
LISTS = ("search_path", "temp_tablespaces", "session_preload_libraries", "local_preload_libraries")


def name(text: str) -> str:
    """An identifier; the name of an extension's setting has a dot."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in text.split("."))


def literal(text: str, setting: str = "") -> str:
    """A value of `setting`, or any text."""
    if setting in LISTS:
        return text or "''"
    return "'" + text.replace("'", "''") + "'"
