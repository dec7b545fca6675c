"""What is tried against an open room from outside: by other pages, by other names, without its
token. The room is the real one, of a made-up stack; what is tried is what goes over the wire."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from urllib.parse import quote, urlencode

import httpx
import pytest
import socketio
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.unit.made_up_room import TOKEN
from tests.unit.rooms import Served, served_room

SOCKET = "/_nicegui_ws/socket.io"
HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
"""By which a request becomes a web socket (RFC 6455, 4.1)."""


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served_room(tmp_path_factory.mktemp("room")) as served:
        yield served


@pytest.fixture(scope="module")
def stranger(room: Served) -> Iterator[httpx.Client]:
    """Who has not."""
    with room.stranger() as stranger:
        yield stranger


@pytest.fixture
def visitor(room: Served) -> Iterator[httpx.Client]:
    """Who has been let in: their browser has the cookie, and attacks are sent with it."""
    with room.visitor() as visitor:
        yield visitor


def handshake(visitor: httpx.Client, **headers: str) -> int:
    """What the room says to whoever wants a web socket: 101 where they get one."""
    address = f"{SOCKET}/?EIO=4&transport=websocket"
    with visitor.stream("GET", address, headers={**HANDSHAKE, **headers}) as answer:
        return answer.status_code


@pytest.mark.parametrize("path", ["/", "/night", "/feed", "/report/1", "/room/room.js", SOCKET])
@pytest.mark.parametrize("brought", [{}, {"token": "guess"}, {"token": TOKEN[:-1]}, {"token": ""}])
def test_nobody_comes_in_without_the_token(
    stranger: httpx.Client, path: str, brought: dict[str, str]
) -> None:
    """On this machine, too: it asks, and sends nothing but the question."""
    answer = stranger.get(path, params=brought)
    assert answer.status_code == 403
    assert "token" in answer.text
    assert "set-cookie" not in answer.headers
    assert answer.headers["x-frame-options"] == "DENY"


def test_a_cookie_that_was_made_up_opens_nothing(room: Served, stranger: httpx.Client) -> None:
    """Of this room's name, or of another's; nor does the right one of another port."""
    for name, value in ((f"room-{room.port}", "guess"), ("room", TOKEN), ("room-8300", TOKEN)):
        headers = {"Cookie": f"{name}={value}"}
        assert stranger.get("/feed", headers=headers).status_code == 403


def test_the_cookie_is_kept_from_scripts_and_from_other_sites(room: Served) -> None:
    """And the page that sets it leads on without the token, on a way of its own: after a redirect
    from somebody's link a browser would not send the cookie."""
    with room.stranger() as comes:
        answer = comes.get(f"/night?board=api&token={TOKEN}")
    assert answer.status_code == 200
    flags = {one.strip().lower() for one in answer.headers["set-cookie"].split(";")[1:]}
    assert flags == {"httponly", "samesite=strict", "path=/"}
    assert 'content="0; url=/night?board=api"' in answer.text
    assert TOKEN not in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "same-origin"


@pytest.mark.parametrize("path", ["//evil.example/", "/%22%3E%3Cscript%3E", "/\\evil.example"])
def test_the_way_in_leads_nowhere_else(room: Served, path: str) -> None:
    """Whatever somebody has put into the address beside the token."""
    with room.stranger() as comes:
        answer = comes.get(f"{room.url}{path}?token={TOKEN}")
    (target,) = re.findall(r'url=([^"]*)"', answer.text)
    assert re.match(r"/(?![/\\])", target)
    assert "<script" not in answer.text


@pytest.mark.parametrize(
    "name",
    ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "127.evil.example:8300",
     "evil.example@127.0.0.1", "", "localhost:x", "[::1", "0x7f.1"],
)  # fmt: skip
def test_a_name_that_somebody_else_owns_leads_nowhere(visitor: httpx.Client, name: str) -> None:
    """What resolves to this machine today (DNS rebinding) is another page's own site; it gets
    nothing, with the cookie, with the token, or as a web socket."""
    for address in ("/", "/feed", f"/?token={TOKEN}"):
        assert visitor.get(address, headers={"Host": name}).status_code in (400, 421)
    assert handshake(visitor, Host=name, Origin=f"http://{name}") in (400, 403)


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "[::1]", "192.168.1.7"])
def test_an_address_is_nobodys_name(visitor: httpx.Client, name: str) -> None:
    """And a forwarded port may be another one."""
    assert visitor.get("/feed", headers={"Host": f"{name}:9999"}).status_code == 200


FOREIGN = [
    "http://evil.example",
    "http://127.0.0.1:8080",
    "http://localhost:{port}",
    "https://127.0.0.1:1",
    "null",
    "",
    "http://[",
]
"""Another site, another port of this machine (which a browser takes for the same site, with all its
cookies), another name of it, a sandboxed frame."""


@pytest.mark.parametrize("origin", FOREIGN)
def test_another_page_has_no_say(room: Served, visitor: httpx.Client, origin: str) -> None:
    """No web socket, no change, and nothing to read, though the browser sends the cookie along."""
    foreign = {"Origin": origin.format(port=room.port)}
    assert handshake(visitor, **foreign) == 403
    for method, address in (
        ("POST", f"{SOCKET}/?EIO=4&transport=polling"),
        ("GET", f"{SOCKET}/?EIO=4&transport=polling"),
        ("OPTIONS", f"{SOCKET}/?EIO=4&transport=polling"),
        ("GET", "/feed"),
        ("POST", "/feed"),
    ):
        answer = visitor.request(method, address, headers=foreign)
        assert answer.status_code == 403, (method, address)
        assert "access-control-allow-origin" not in answer.headers


def test_what_changes_something_says_which_page_it_comes_from(visitor: httpx.Client) -> None:
    """Browsers always say; who does not is none, and has the commands."""
    assert handshake(visitor) == 403
    assert visitor.post(f"{SOCKET}/?EIO=4&transport=polling").status_code == 403


def test_the_rooms_own_page_is_let_in(room: Served, visitor: httpx.Client) -> None:
    """With the cookie and its own origin, and not without the cookie."""
    assert handshake(visitor, Origin=room.url) == 101
    visitor.cookies.clear()
    assert handshake(visitor, Origin=room.url) == 403


def test_knowing_a_page_does_not_let_one_speak_for_it(room: Served, visitor: httpx.Client) -> None:
    """All that NiceGUI asks of a socket is a page's number, which is written on the page. Who has
    that, but is another page or has no cookie, is refused all the same."""
    known = re.search(r"client_id['\"]: ['\"]([^'\"]+)", visitor.get("/night").text)
    assert known is not None
    asked = {
        "client_id": known[1],
        "next_message_id": 0,
        "implicit_handshake": "true",
        "document_id": "d",
        "tab_id": "t",
    }

    async def speak(**headers: str) -> None:
        client = socketio.AsyncClient(reconnection=False)
        address = f"{room.url}?{urlencode(asked)}"
        await client.connect(address, headers, transports=["websocket"], socketio_path=SOCKET)
        await client.disconnect()

    cookie = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
    for headers in (
        {"Cookie": cookie, "Origin": "http://evil.example"},
        {"Cookie": cookie, "Origin": "http://evil.example", "Host": "evil.example"},
        {"Origin": room.url},
    ):
        with pytest.raises(socketio.exceptions.ConnectionError):
            asyncio.run(speak(**headers))
    asyncio.run(speak(Cookie=cookie, Origin=room.url))


@pytest.mark.parametrize("path", ["/", "/night", "/past", "/feed", "/room/room.js", "/report/9"])
def test_no_other_page_may_show_the_room(visitor: httpx.Client, path: str) -> None:
    """A page in a frame of another can be made to be clicked; nor does it load anything from
    elsewhere, or send there."""
    headers = visitor.get(path).headers
    assert headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "default-src 'self'" in headers["content-security-policy"]
    assert "http" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "server" not in headers


PATHS = st.sampled_from(
    ["/", "/night", "/past", "/feed", "/report/{}", "/grafana/{}", "/room/{}", "/{}", SOCKET + "/"]
)
TEXT = st.text(max_size=40) | st.sampled_from(
    ["nan", "inf", "-1", "1e999", "9" * 40, "../../etc/passwd", "%00", "\0", "😀" * 9, "[", "{"]
)
NAMES = (
    "since",
    "board",
    "text",
    "difficulty",
    "family",
    "tag",
    "token",
    "EIO",
    "sid",
    "transport",
)


@settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    method=st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PURGE"]),
    path=PATHS,
    part=TEXT,
    asked=st.dictionaries(st.sampled_from(NAMES), TEXT, max_size=4),
    body=st.binary(max_size=200),
)
@example(method="GET", path="/report/{}", part="9" * 40, asked={}, body=b"")
@example(method="GET", path="/feed", part="", asked={"since": "1e999"}, body=b"")
@example(method="GET", path="/", part="", asked={"difficulty": "9" * 40}, body=b"")
def test_whatever_is_asked_is_answered(
    room: Served,
    visitor: httpx.Client,
    method: str,
    path: str,
    part: str,
    asked: dict[str, str],
    body: bytes,
) -> None:
    """By somebody who has been let in, of any path, with anything: it is an answer or a refusal,
    never a mistake of the room's own."""
    address = path.format(quote(part, safe=""))
    answer = visitor.request(
        method, address, params=asked, content=body, headers={"Origin": room.url}
    )
    assert answer.status_code < 500, answer.text
