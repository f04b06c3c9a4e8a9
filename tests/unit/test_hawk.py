"""Hawk: the specification's own example, and what a strict reading refuses."""

import pytest

from activity_stream import hawk

SECRET = "werxhqb98rpaxn39848xrunpaw3489ruxnpa98w4rxn"
URL = "http://example.com:8000/resource/1?b=1&a=2"
HEADER = (
    'Hawk id="dh37fgj492je", ts="1353832234", nonce="j4h3g2", hash="Yi9LfIIFRtBEPt74PVmbTF/xVAwPn7ub15ePICfgnuY=", '
    'ext="some-app-ext-data", mac="aSe1DERmZuRl3pI36/9BdZmnErTw3sNzOOAUlfeKjVw="'
)
BODY = b"Thank you for flying Hawk"
KEYS = {"dh37fgj492je": SECRET}


def verify(header: str = HEADER, url: str = URL, body: bytes = BODY, now: float = 1353832234) -> hawk.Artifacts:
    """Verify a POST as the specification's example has it, or something like it."""
    return hawk.verify(header, hawk.target_of("POST", url), "text/plain", body, KEYS.get, now)


def test_the_specifications_example_is_authentic() -> None:
    """The header of API.md's payload example verifies with its key."""
    assert verify().ext == "some-app-ext-data"


@pytest.mark.parametrize(
    ("change", "into"),
    [
        ("j4h3g2", "j4h3g3"),
        ("dh37fgj492je", "someone"),
        ("some-app-ext-data", "other"),
        ("Yi9L", "Yi9M"),
        ("aSe1", "aSe2"),
        ('nonce="j4h3g2", ', ""),
        ("nonce=", "nonsense="),
        ('ext="', 'nonce="x", ext="'),
        ('", hash', '" hash'),
        ("Hawk ", "Basic "),
        ("j4h3g2", 'j4"h3g2'),
        ("j4h3g2", "j" * 5000),
        ("1353832234", "1353832234.5"),
    ],
)
def test_any_change_of_the_header_is_refused(change: str, into: str) -> None:
    """Another value, an attribute missing, unknown, twice or malformed: no."""
    assert change in HEADER
    with pytest.raises(hawk.Refusal):
        verify(HEADER.replace(change, into, 1))


def test_another_request_is_refused() -> None:
    """The same header does not hold for another path, port or payload."""
    for url in (URL + "&c=3", URL.replace("8000", "8001"), URL.replace("example.com", "example.org")):
        with pytest.raises(hawk.Refusal):
            verify(url=url)
    with pytest.raises(hawk.Refusal):
        verify(body=BODY + b" ")


@pytest.mark.parametrize("seconds", [-61, 61])
def test_a_right_request_at_the_wrong_time_is_stale(seconds: int) -> None:
    """More than a minute away from now is Stale; a minute is not."""
    with pytest.raises(hawk.Stale):
        verify(now=1353832234 + seconds)
    verify(now=1353832234 + seconds // 61 * 60)


def test_the_target_is_the_raw_path_and_the_schemes_port() -> None:
    """Nothing is decoded, sorted or encoded anew; a missing path is `/`."""
    assert hawk.target_of("GET", "https://a.example/x%3A?b=+&b=1#f") == hawk.Target(
        "GET", "/x%3A?b=+&b=1", "a.example", 443
    )
    assert hawk.target_of("GET", "http://a.example?q") == hawk.Target("GET", "/?q", "a.example", 80)


def test_a_signer_never_uses_a_nonce_twice_and_shows_no_secret() -> None:
    """Each attempt is signed anew; the signer's repr has its id alone."""
    signer = hawk.HawkSigner("some-id", SECRET, lambda: 1353832234)
    headers = {signer("GET", URL, "", b"")["Authorization"] for _ in range(50)}
    assert len(headers) == 50
    assert SECRET not in repr(signer)
