"""What the application asks, read from its sources."""

from __future__ import annotations

from pathlib import Path

from lab.queries import asked


def test_every_statement_of_the_application_is_known_as_it_is_sent() -> None:
    """By the name that leads its text, in one line, with its constants."""
    known = asked()
    assert {"feed", "photo", "upload_accept", "job_begin", "moderation_checksum"} <= known.keys()
    assert known["moderation_checksum"] == (
        "/* moderation_checksum */ SELECT EXISTS "
        "(SELECT FROM photos WHERE checksum = $1 AND status = 'rejected') AS known_bad"
    )


def test_nothing_else_of_that_name_is_taken_for_one(tmp_path: Path) -> None:
    """A web framework has a `Query`, too; and a text that is made at run time is unknown."""
    (tmp_path / "a.py").write_text(
        "Query(ge=1)\nQuery(None, 'x')\nQuery(name, 'SELECT 1')\nQuery('b', f'SELECT {x}')\n"
        "Query('a', '''SELECT\n  1''')\n"
    )
    assert asked(tmp_path) == {"a": "/* a */ SELECT 1"}
