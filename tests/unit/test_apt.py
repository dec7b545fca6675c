"""Reading the machine's own apt configuration: mirrors, versions, age."""

import os
from pathlib import Path

from lab.host.apt import archives, has_updates, lists_are_old, mirror, parse_policy, source

BOOKWORM = """\
http://mirror.example/debian/|trixie
http://mirror.example/debian/|bookworm
http://mirror.example/debian/|bookworm-updates
http://security.example/debian-security/|bookworm-security
https://node.example/node_20.x/|nodistro
"""

UBUNTU = """\
http://ubuntu.example/ubuntu/|noble
http://ubuntu.example/ubuntu/|noble-updates
"""


def test_mirror_is_the_machines_own():
    """Debian is fetched from wherever this machine fetches it."""
    found = archives(BOOKWORM)
    assert mirror(found) == "http://mirror.example/debian"
    assert mirror(found, security=True) == "http://security.example/debian-security"
    assert has_updates(found)


def test_no_debian_mirror_on_ubuntu():
    """Ubuntu's mirrors do not carry Debian, whatever else they carry."""
    found = archives(UBUNTU)
    assert mirror(found) is None


def test_mirror_list_file(tmp_path: Path):
    """A cloud image's `mirror+file:` list stands for its first mirror."""
    listing = tmp_path / "debian.list"
    listing.write_text("https://first.example/debian\nhttps://second.example/debian\n")
    found = archives(f"mirror+file:{listing}/|bookworm\n")
    assert mirror(found) == "https://first.example/debian"


def test_source_paragraph():
    """A sources file names the mirror, the suites and the key they are signed with."""
    text = source("http://mirror.example/debian", ["trixie", "trixie-updates"])
    assert "URIs: http://mirror.example/debian\n" in text
    assert "Suites: trixie trixie-updates\n" in text
    assert "Signed-By: " in text


def test_policy():
    """The candidates' versions are read; a package without one is as good as unknown."""
    text = """\
docker-compose:
  Installed: (none)
  Candidate: 1.29.2-3
  Version table:
     1.29.2-3 500
docker-compose-v2:
  Installed: (none)
  Candidate: (none)
"""
    assert parse_policy(text) == {"docker-compose": "1.29.2-3"}


def test_lists_of_last_week_are_old(tmp_path: Path):
    """What counts is when apt last looked, not how old the files are on the server."""
    lists = tmp_path / "lists"
    (lists / "partial").mkdir(parents=True)
    now = 2_000_000_000.0
    assert lists_are_old(now, lists)
    (lists / "mirror_dists_trixie_main_binary-amd64_Packages.lz4").write_text("")
    for path in (lists, lists / "partial"):
        os.utime(path, (now - 3600, now - 3600))
    assert not lists_are_old(now, lists)
    for path in (lists, lists / "partial"):
        os.utime(path, (now - 7 * 86400, now - 7 * 86400))
    assert lists_are_old(now, lists)
