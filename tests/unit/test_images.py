"""Images are rebuilt when what they are made of changes, and only then."""

import json
import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lab import engine
from lab.command import run
from lab.engine import compose_version
from lab.errors import BadInput
from lab.home import Home
from lab.host import images as images_module
from lab.host.buildlog import BuildProgress
from lab.host.certificates import distill, host_bundle
from lab.host.debian import DEBIAN_IMAGE, Debian
from lab.host.images import CONTENT_LABEL, Images, content_of
from lab.progress import QUIET


@pytest.fixture
def context(tmp_path: Path) -> Path:
    (tmp_path / "app").mkdir()
    (tmp_path / "Dockerfile").write_text("FROM base\n")
    (tmp_path / "app" / "main.py").write_text("print()\n")
    return tmp_path


def test_content_ignores_times_and_leavings(context: Path):
    """Touching files, or running the program, does not make an image stale."""
    before = content_of(context)
    (context / "Dockerfile").touch()
    (context / "app" / "__pycache__").mkdir()
    (context / "app" / "__pycache__" / "main.cpython-311.pyc").write_text("x")
    (context / ".pytest_cache").mkdir()
    (context / ".pytest_cache" / "x").write_text("x")
    assert content_of(context) == before


@pytest.mark.parametrize("change", ["text", "name", "mode", "new"])
def test_content_notices_every_change(context: Path, change):
    """Another byte, name, mode or file is another image."""
    before = content_of(context)
    main = context / "app" / "main.py"
    match change:
        case "text":
            main.write_text("print(1)\n")
        case "name":
            main.rename(context / "app" / "other.py")
        case "mode":
            main.chmod(0o755)
        case "new":
            (context / "app" / "more.py").write_text("")
    assert content_of(context) != before


@pytest.fixture
def images(tmp_path: Path, context: Path, monkeypatch: pytest.MonkeyPatch) -> Images:
    """One image to build, an engine that has none, and nothing that really builds."""
    (tmp_path / "infra" / "base").mkdir(parents=True)
    (tmp_path / "infra" / "base" / "Dockerfile").write_text("FROM debian\n")
    monkeypatch.setenv("SSL_CERT_FILE", "/nonexistent")
    home = Home(root=tmp_path, base=tmp_path / ".lab")
    home.prepare()
    made = Images(home, QUIET)
    made.project.__dict__["config"] = {
        "api-1": {"image": "lab/api:local", "build": {"context": str(context / "app")}},
        "api-2": {"image": "lab/api:local", "build": {"context": str(context / "app")}},
        "grafana": {"image": "grafana:1", "profiles": ["grafana"]},
        "jaeger": {"image": "jaeger:1", "profiles": ["traces"]},
    }
    return made


def played_engine(monkeypatch: pytest.MonkeyPatch, *listed: dict[str, Any]) -> None:
    class Client:
        class api:  # noqa: N801 - the SDK's name
            @staticmethod
            def images() -> list[dict[str, Any]]:
                return list(listed)

    monkeypatch.setattr(engine, "client", lambda: Client)


def test_image_is_stale_until_its_label_says_what_it_is_made_of(
    images: Images, monkeypatch: pytest.MonkeyPatch
):
    """Several services share one build; with the right label there is nothing to do, and a change
    of the base makes it stale again."""
    played_engine(monkeypatch)
    (stale,) = images.stale()
    assert (stale.name, stale.service) == ("api", "api-1")
    labels = {CONTENT_LABEL: images.content(stale)}
    played_engine(monkeypatch, {"RepoTags": ["lab/api:local"], "Labels": labels})
    assert images.stale() == []
    images.ready()
    (images.base.context / "Dockerfile").write_text("FROM debian:new\n")
    later = Images(images.home, QUIET, images.project)
    assert [build.name for build in later.stale()] == ["api"]


def test_a_refresh_builds_everything_anew(images: Images, monkeypatch: pytest.MonkeyPatch):
    """From Debian's image of today, upgraded, to the last of ours, and nothing out of a cache:
    what Debian has mended comes in no other way. The rest of the time it is left alone."""
    builds = images.builds
    listed = [
        {"RepoTags": [one.image], "Labels": {CONTENT_LABEL: images.content(one)}} for one in builds
    ]
    played_engine(monkeypatch, *listed, {"RepoTags": [DEBIAN_IMAGE]})
    images.ready()
    made: list[list[str]] = []
    monkeypatch.setattr(images_module, "follow", lambda argv, *_, **__: made.append(argv))
    monkeypatch.setattr(Debian, "ready", lambda *_: made.append(["debian"]))
    monkeypatch.setattr(
        engine.client(), "images", SimpleNamespace(prune=lambda _: None), raising=False
    )
    images.refresh()
    assert [argv[-1] for argv in made] == ["debian", "debian", "base", "api-1"]
    assert all("--no-cache" in argv for argv in made[1:])


@pytest.mark.skipif(compose_version() is None, reason="asks docker compose how it reads the file")
def test_what_upgrades_debian_reaches_the_builder_as_it_is(images: Images):
    """Its variables are the shell's and the builder's, and none of compose's."""
    build = images_module.Build(DEBIAN_IMAGE, "debian", images.base.context)
    file = Path(images._file_of(build, dockerfile_inline=images_module.UPGRADED))
    # The secret is declared in docker-compose.yml, over which the file is laid.
    whole = json.loads(file.read_text()) | {"secrets": {"host_ca": {"file": "/dev/null"}}}
    file.write_text(json.dumps(whole))
    shown = run(["docker", "compose", "--file", str(file), "config", "--format", "json"])
    inline = json.loads(shown.stdout)["services"]["debian"]["build"]["dockerfile_inline"]
    assert inline.replace("$$", "$") == images_module.UPGRADED


def test_grafana_is_asked_for_once_in_a_while(images: Images, monkeypatch: pytest.MonkeyPatch):
    """A registry that did not answer is not waited for at the next start."""
    played_engine(monkeypatch)
    asked: list[str] = []

    def no(image: str, *_: Any) -> bool:
        asked.append(image)
        return False

    monkeypatch.setattr(images_module, "pull", no)
    assert images.extras() == set()
    assert images.extras() == set()
    assert asked == ["grafana:1"]
    an_age_ago = time.time() - 7 * 3600
    os.utime(images.home.base / "no-grafana", (an_age_ago, an_age_ago))
    assert images.extras() == set()
    assert len(asked) == 2


def test_traces_are_kept_where_somebody_asks(images: Images, monkeypatch: pytest.MonkeyPatch):
    """A store of traces costs memory: it comes with LAB_TRACES=1, and not with LAB_TRACES=0."""
    played_engine(monkeypatch)
    monkeypatch.setattr(images_module, "pull", lambda *_: True)
    assert images.extras() == {"grafana"}
    monkeypatch.setenv("LAB_TRACES", "0")
    assert images.extras() == {"grafana"}
    monkeypatch.setenv("LAB_TRACES", "1")
    assert images.extras() == {"grafana", "traces"}


def test_build_progress_counts_every_images_steps():
    """The bar's length is the sum of the steps of all images announced so far."""
    progress = BuildProgress()
    for line in (
        "#1 [api-1 internal] load build definition from Dockerfile",
        "#1 DONE 0.0s",
        "#5 [api-1 packages 1/3] FROM docker.io/3am-lab/base:trixie",
        "#5 CACHED",
        "#6 [nginx stage-0 2/5] RUN apt-get update",
        "#6 1.234 Get:1 trixie InRelease",
        "#7 [api-1 packages 2/3] COPY requirements.txt /tmp/",
        "#7 DONE 0.1s",
    ):
        progress.read(line)
    assert (progress.done, progress.total) == (2, 8)
    assert progress.doing == "api-1: COPY requirements.txt /tmp/"


CERTIFICATE = "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n"


def test_bundle_is_only_certificates():
    """Prose between certificates, and a certificate that is there twice, are left out."""
    one, two = CERTIFICATE.format("QQ=="), CERTIFICATE.format("Qg==")
    assert distill(f"# Some CA\n{one}\n# Another\n{two}{one}") == one + two


def test_ssl_cert_file_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A host that names its bundle with SSL_CERT_FILE is taken at its word."""
    bundle = tmp_path / "company.pem"
    bundle.write_text(CERTIFICATE.format("QQ=="))
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    assert host_bundle() == CERTIFICATE.format("QQ==")


def test_oversized_bundle_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A bundle that no build can be given is an error at once, not a puzzle within a build."""
    bundle = tmp_path / "huge.pem"
    bundle.write_text("".join(CERTIFICATE.format(f"{i:0900d}") for i in range(600)))
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    with pytest.raises(BadInput, match="too large"):
        host_bundle()
