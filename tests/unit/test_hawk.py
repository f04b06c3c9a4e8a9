"""Hawk, one side at a time; `tests/interop` has both sides with other implementations."""

import random
import re
from collections.abc import Mapping

import pytest

from activity_stream import hawk

KEY_ID, SECRET, NOW = "a-key", "its-secret", 1_700_000_000
TARGET = hawk.Target("POST", "/v3/activities/_search?a=1&a=2+%3A", "example.com", 443)
KIND, BODY = "application/json; charset=utf-8", b'{"size": 1}'


def signed(**changes: object) -> str:
    """The header of a right request, with some of its attributes changed (None: left out)."""
    made = hawk.authorization(hawk.sign(TARGET, KEY_ID, SECRET, NOW, "n", KIND, BODY))
    values = {**hawk.parse(made), **changes}
    return "Hawk " + ", ".join(f'{name}="{value}"' for name, value in values.items() if value is not None)


def verified(
    header: str,
    target: hawk.Target = TARGET,
    kind: str = KIND,
    body: bytes = BODY,
    now: float = NOW,
    keys: Mapping[str, str] = {KEY_ID: SECRET},
) -> hawk.Artifacts:
    """What the server makes of a request."""
    return hawk.verify(header, target, kind, body, keys.get, now)


def test_the_specifications_example_is_authentic() -> None:
    """The request that the specification prints, with payload and ext, has the hash and MAC that it prints."""
    header = (
        'Hawk id="dh37fgj492je", ts="1353832234", nonce="j4h3g2", hash="Yi9LfIIFRtBEPt74PVmbTF/xVAwPn7ub15ePICfgnuY=", '
        'ext="some-app-ext-data", mac="aSe1DERmZuRl3pI36/9BdZmnErTw3sNzOOAUlfeKjVw="'
    )
    target = hawk.Target("POST", "/resource/1?b=1&a=2", "example.com", 8000)
    keys = {"dh37fgj492je": "werxhqb98rpaxn39848xrunpaw3489ruxnpa98w4rxn"}
    found = verified(header, target, "text/plain", b"Thank you for flying Hawk", 1353832234, keys)
    assert found.ext == "some-app-ext-data"


def test_what_is_signed_is_verified() -> None:
    """A request's own header is accepted, whatever the case of method, host and media type."""
    target = hawk.Target("post", TARGET.resource, "EXAMPLE.com", 443)
    assert verified(signed(), target, " Application/JSON ;charset=latin-1").id == KEY_ID


@pytest.mark.parametrize("name", ["id", "ts", "nonce", "hash", "mac"])
@pytest.mark.parametrize("value", [None, ""])
def test_each_attribute_is_required(name: str, value: str | None) -> None:
    """A header without one of the five, or with an empty one, is refused for lacking it."""
    with pytest.raises(hawk.Refusal, match=f"lacks.*{name}"):
        verified(signed(**{name: value}))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"id": "nobody"}, "there is no key 'nobody'"),
        ({"ts": str(NOW + 1)}, "mac"),
        ({"nonce": "m"}, "mac"),
        ({"hash": hawk.payload_hash(KIND, b"{}")}, "mac"),
        ({"ext": "more"}, "mac"),
        ({"app": "an-app"}, "mac"),
        ({"mac": "bm90IGl0"}, "mac"),
    ],
)
def test_a_changed_attribute_is_refused(changes: dict[str, object], reason: str) -> None:
    """What the MAC covers cannot be changed, and a reason names what was wrong for the log."""
    with pytest.raises(hawk.Refusal, match=reason):
        verified(signed(**changes))


@pytest.mark.parametrize(
    "target",
    [
        hawk.Target("GET", TARGET.resource, TARGET.host, TARGET.port),
        hawk.Target("POST", "/v3/objects/_search", TARGET.host, TARGET.port),
        hawk.Target("POST", TARGET.resource.replace("%3A", ":"), TARGET.host, TARGET.port),
        hawk.Target("POST", TARGET.resource, "example.org", TARGET.port),
        hawk.Target("POST", TARGET.resource, TARGET.host, 80),
    ],
)
def test_a_signature_is_for_one_target(target: hawk.Target) -> None:
    """Another method, path, spelling of the query, host or port is another request."""
    with pytest.raises(hawk.Refusal, match="mac"):
        verified(signed(), target)


def test_a_signature_is_for_one_payload() -> None:
    """Another body, or another media type, is another payload."""
    for kind, body in [(KIND, b"{}"), ("text/plain", BODY), ("", BODY)]:
        with pytest.raises(hawk.Refusal, match="hash"):
            verified(signed(), kind=kind, body=body)


@pytest.mark.parametrize(("seconds", "is_stale"), [(-61, True), (-60, False), (60, False), (61, True)])
def test_a_request_is_fresh_for_a_minute(seconds: int, is_stale: bool) -> None:
    """60 seconds before or after are good, 61 are stale."""
    if is_stale:
        with pytest.raises(hawk.Stale, match=re.escape(f"{-seconds:+} s away")):
            verified(signed(), now=NOW + seconds)
    else:
        verified(signed(), now=NOW + seconds)


def test_only_who_knows_the_secret_learns_that_a_request_is_stale() -> None:
    """A stale request with a wrong MAC is refused for its MAC."""
    with pytest.raises(hawk.Refusal) as refusal:
        verified(signed(mac="bm90IGl0"), now=NOW + 1000)
    assert not isinstance(refusal.value, hawk.Stale)


@pytest.mark.parametrize("ts", ["soon", "1e9", "-1", "1" * 13, "١٢"])
def test_a_time_that_is_no_number_is_refused(ts: str) -> None:
    """`ts` is a number of seconds in ASCII digits, even where the MAC is right."""
    fields = hawk.Artifacts(
        KEY_ID, ts, "n", "POST", TARGET.resource, TARGET.host, 443, hawk.payload_hash(KIND, BODY), ""
    )
    header = hawk.authorization(fields).replace('mac=""', f'mac="{hawk._mac("header", fields, SECRET)}"')
    with pytest.raises(hawk.Refusal):
        verified(header)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Hawk",
        "Hawk ",
        "Basic dXNlcjpwYXNz",
        'Hawkid="a"',
        "Hawk id=a",
        "Hawk id='a'",
        'Hawk id="a" ts="1"',
        'Hawk id="a",, ts="1"',
        'Hawk id="a",',
        'Hawk , id="a"',
        'Hawk id="a", id="a"',
        'Hawk id="a", color="red"',
        'Hawk id="a\\"b"',
        'Hawk id="é"',
        'Hawk id="a\nb"',
        'Hawk id="a" junk',
        'Hawk id="' + "a" * 4096 + '"',
    ],
)
def test_a_malformed_header_is_refused(header: str) -> None:
    """Only `Hawk name="value", …` with known names, each once, in at most 4,096 characters, is a header."""
    with pytest.raises(hawk.Refusal):
        hawk.parse(header)


def test_a_header_is_read_however_it_is_spaced() -> None:
    """Case of the scheme, and blanks around commas, are free; a value may hold any other permitted character."""
    assert hawk.parse('hAWK  id="a b:/+=,-" ,ts="1"') == {"id": "a b:/+=,-", "ts": "1"}


def test_random_damage_never_raises_anything_but_a_refusal() -> None:
    """A header, media type, host or path with random characters in it is refused, or is still the right one."""
    seed = random.SystemRandom().randrange(10**9)
    print(f"seed {seed}")
    rng = random.Random(seed)
    for _ in range(500):
        header = list(signed())
        for _ in range(rng.randrange(1, 4)):
            header[rng.randrange(len(header))] = chr(rng.choice([0, 34, 44, 61, 92, 127, 233, 0xDCFF, 0x1F600]))
        target = hawk.Target("POST", "/\udcff", "\udcfe", 443) if rng.random() < 0.5 else TARGET
        try:
            verified("".join(header), target, rng.choice([KIND, "\udcff"]))
        except hawk.Refusal:
            continue
        assert hawk.parse("".join(header)) == hawk.parse(signed())


def test_bytes_that_are_no_utf_8_can_be_signed() -> None:
    """A media type or path of other bytes is hashed as the bytes that came."""
    kind, target = "text/\udcff", hawk.Target("GET", "/\udcff", "example.com", 80)
    made = hawk.sign(target, KEY_ID, SECRET, NOW, "n", kind, BODY)
    assert verified(hawk.authorization(made), target, kind).mac == made.mac


def test_an_answer_is_authentic_for_its_request_and_payload_alone() -> None:
    """`Server-Authorization` fits one request, secret, media type and body; no header, or a damaged one, fits none."""
    request = verified(signed())
    other = hawk.sign(TARGET, KEY_ID, SECRET, NOW, "another nonce", KIND, BODY)
    header = hawk.server_authorization(request, SECRET, "application/json", b"[]")
    assert hawk.answer_is_authentic(header, request, SECRET, "application/json; charset=utf-8", b"[]")
    for wrong in (
        (header, other, SECRET, "application/json", b"[]"),
        (header, request, "another", "application/json", b"[]"),
        (header, request, SECRET, "text/plain", b"[]"),
        (header, request, SECRET, "application/json", b"[ ]"),
        ("", request, SECRET, "application/json", b"[]"),
        (header.replace("hash", "ext"), request, SECRET, "application/json", b"[]"),
        (header[:-1], request, SECRET, "application/json", b"[]"),
    ):
        assert not hawk.answer_is_authentic(*wrong)


def test_a_challenge_tells_the_time_only_with_a_secret() -> None:
    """Without a time it is the scheme's name; with one, `ts` is whole seconds and `tsm` depends on the secret."""
    assert hawk.challenge() == "Hawk"
    found = hawk.parse(hawk.challenge(1353832234.9, "werxhqb98rpaxn39848xrunpaw3489ruxnpa98w4rxn"))
    assert found["ts"] == "1353832234"
    assert found["tsm"] != hawk.parse(hawk.challenge(1353832234.9, "another"))["tsm"]


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("http://example.com", hawk.Target("GET", "/", "example.com", 80)),
        ("https://example.com?q=1", hawk.Target("GET", "/?q=1", "example.com", 443)),
        ("https://user:pass@Example.com:8443/a?b=1&b=+%3A#c", hawk.Target("GET", "/a?b=1&b=+%3A", "example.com", 8443)),
        ("http://[::1]:81//v3/x", hawk.Target("GET", "//v3/x", "::1", 81)),
        ("http://example.com/a/../b%2F?", hawk.Target("GET", "/a/../b%2F?", "example.com", 80)),
    ],
)
def test_an_address_is_signed_byte_for_byte(url: str, target: hawk.Target) -> None:
    """Path and query stay as they are; the port is the scheme's where there is none."""
    assert hawk.target_of("GET", url) == target


def test_the_signer_makes_each_attempt_anew() -> None:
    """Two attempts at one request have two nonces, the clock's time, and the hash of an empty payload and type."""
    signer = hawk.HawkSigner(KEY_ID, SECRET, lambda: NOW + 0.9)
    url = "https://example.com/feed?cursor=a+b%3A&cursor=c"
    first, second = (hawk.parse(signer("GET", url, "", b"")["Authorization"]) for _ in range(2))
    assert first["nonce"] != second["nonce"]
    assert first["ts"] == str(NOW)
    assert first["hash"] == hawk.payload_hash("", b"")
    for values in (first, second):
        header = "Hawk " + ", ".join(f'{name}="{value}"' for name, value in values.items())
        verified(header, hawk.target_of("GET", url), "", b"")


def test_a_signer_does_not_show_its_secret() -> None:
    """Neither `repr` nor `str` of a signer has the secret."""
    signer = hawk.HawkSigner(KEY_ID, SECRET, lambda: NOW)
    assert SECRET not in f"{signer!r} {signer}"
