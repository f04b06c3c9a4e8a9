"""The guard's reading of addresses and hosts, and its memory of nonces."""

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from activity_stream import hawk
from activity_stream.api.guard import INCORRECT, Guard, Guest, Key, Refused, _address, split_host, target_of
from activity_stream.api.limits import Limits
from activity_stream.model import Caller, SearchLimits
from activity_stream.testing.memory_state import MemoryState
from activity_stream.testing.moved_clock import MovedClock


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("example.com", ("example.com", None)),
        ("example.com:8080", ("example.com", 8080)),
        ("[::1]", ("::1", None)),
        ("[::1]:8080", ("::1", 8080)),
        ("", ("", None)),
        (":", ("", None)),
        ("example.com:", ("example.com", None)),
        ("example.com:port", ("example.com", None)),
        ("example.com:999999", ("example.com", None)),
        ("example.com:-1", ("example.com", None)),
        ("example.com:٣", ("example.com", None)),
    ],
)
def test_a_host_header_is_a_host_and_maybe_a_port(value: str, found: tuple[str, int | None]) -> None:
    """What is no port is none, and nothing in the header raises."""
    assert split_host(value) == found


@pytest.mark.parametrize(
    ("proto", "host", "port"),
    [
        ("https", "example.com", 443),
        ("HTTPS ", "example.com", 443),
        ("http", "example.com", 80),
        ("https", "example.com:81", 81),
        ("on", "example.com:8443", 8443),
        ("on", "example.com", 80),
        ("", "example.com", 80),
    ],
)
def test_the_port_is_the_hosts_or_the_schemes(proto: str, host: str, port: int) -> None:
    """A port in Host counts first; then https means 443 and anything else 80."""
    path = "//v3/activities/_search?a=%2F&a=+"
    request = make_mocked_request("GET", path, headers={"Host": host, "X-Forwarded-Proto": proto})
    assert target_of(request) == hawk.Target("GET", path, "example.com", port)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1.2.3.4", "1.2.3.4"),
        ("1.2.3.4:80", "1.2.3.4"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]:80", "2001:db8::1"),
        ("::ffff:1.2.3.4", "1.2.3.4"),
        ("fe80::1%eth0", "fe80::1"),
        ("", None),
        ("unknown", None),
        ("1.2.3", None),
        ("1.2.3.4.5", None),
        ("01.2.3.4", None),
        ("1.2.3.4/8", None),
        ("[", None),
        ("%", None),
        ("1" * 10_000, None),
        ("\udcff", None),
    ],
)
def test_an_address_is_read_as_proxies_write_it(text: str, found: str | None) -> None:
    """With a port, brackets, a zone, or mapped into IPv6; anything else is none, and nothing raises."""
    address = _address(text)
    assert (None if address is None else str(address)) == found


def test_secrets_do_not_show() -> None:
    """Neither a key nor a guest shows its secret in a log or a traceback."""
    caller = Caller("a-key")
    artifacts = hawk.sign(hawk.Target("GET", "/", "h", 80), "a-key", "hidden", 1, "n")
    assert "hidden" not in repr(Key("hidden", caller)) + repr(Guest(caller, artifacts, "hidden", Limits()))


def signed_request(clock: MovedClock, nonce: str) -> web.BaseRequest:
    """A request for `/`, signed now."""
    artifacts = hawk.sign(hawk.Target("GET", "/", "h", 80), "a-key", "hidden", int(clock.now()), nonce)
    headers = {"Host": "h", "X-Forwarded-Proto": "http", "Content-Type": "", "Authorization": ""}
    return make_mocked_request("GET", "/", headers=headers | {"Authorization": hawk.authorization(artifacts)})


def test_a_keys_own_limit_counts_for_who_signs_with_it_alone() -> None:
    """A body of whoever only names the key, or signed too long ago, is read as far as any other."""
    clock = MovedClock()
    small = msgspec.structs.replace(Caller("a-key"), limits=SearchLimits(body=7))
    guard = Guard({"a-key": Key("hidden", small)}, (), MemoryState(clock), clock)
    request = signed_request(clock, "1")
    assert guard.longest(request) == 7
    for wrong in ("", "Hawk", *(f'Hawk id="{name}", ts="1", nonce="1", hash="x", mac="x"' for name in ("a-key", "b"))):
        unsigned = request.clone(headers={**request.headers, "Authorization": wrong})
        assert guard.longest(unsigned) == SearchLimits().body
    old = hawk.sign(hawk.Target("GET", "/", "h", 80), "a-key", "hidden", int(clock.now()) - 100, "1")
    stale = request.clone(headers={**request.headers, "Authorization": hawk.authorization(old)})
    assert guard.longest(stale) == SearchLimits().body


async def test_a_nonce_is_good_once_over_a_loss_of_the_state() -> None:
    """A request that was let in before the state lost everything is not let in again; one signed afterwards is."""
    clock = MovedClock()
    state = MemoryState(clock)
    guard = Guard({"a-key": Key("hidden", Caller("a-key"))}, (), state, clock)
    request = signed_request(clock, "1")
    await guard.authenticate(request, b"")
    with pytest.raises(Refused, match=INCORRECT):
        await guard.authenticate(request, b"")
    await clock.advance(1)
    state.forget()
    with pytest.raises(Refused, match=INCORRECT):
        await guard.authenticate(request, b"")
    later = signed_request(clock, "1")
    await guard.authenticate(later, b"")
    with pytest.raises(Refused, match=INCORRECT):
        await guard.authenticate(later, b"")
