"""Addresses and signers: what all kinds of feed share."""

import pytest

from activity_stream.errors import NotAFeed, SettingsError
from activity_stream.feeds.base import FeedSource, Origin, make_signer, origin, resolve
from activity_stream.ports import Signer

PAGE = "https://source.example/api/feed/?cursor=a%3Ab"


@pytest.mark.parametrize(
    "address",
    [
        "https://source.example/x?cursor=2019-06-17+16%3A02%3A28.796549%2B00%3A00&cursor=856b95f1",
        "https://SOURCE.example:443/x/../y//z?a=b?c=%7e%7E&&=",
        "http://other.example",
        "https://source.example/ünencoded?q=ß",
        "https://source.example/?",
    ],
)
def test_an_absolute_reference_stays_byte_for_byte(address: str) -> None:
    """Nothing in an absolute address is normalised, encoded or put in order."""
    assert resolve(PAGE, address) == address


@pytest.mark.parametrize(
    ("reference", "address"),
    [
        ("/api/v1/9/json/?cursor=MjAyMC0wMi0yMA==", "https://source.example/api/v1/9/json/?cursor=MjAyMC0wMi0yMA=="),
        ("?cursor=a%3Ab+c&cursor=%2f", "https://source.example/api/feed/?cursor=a%3Ab+c&cursor=%2f"),
        ("page2", "https://source.example/api/feed/page2"),
        ("../page2", "https://source.example/api/page2"),
        ("//other.example/x", "https://other.example/x"),
        ("page2#part", "https://source.example/api/feed/page2"),
    ],
)
def test_a_relative_reference_is_resolved(reference: str, address: str) -> None:
    """A relative address is relative to its page's, and what it encodes stays encoded as it was."""
    assert resolve(PAGE, reference) == address


def test_a_reference_that_cannot_be() -> None:
    """A host that is none is refused, not guessed."""
    with pytest.raises(NotAFeed):
        resolve(PAGE, "//[1/x")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("HTTPS://Source.Example/x", Origin("https", "source.example", 443)),
        ("http://source.example:8080/x", Origin("http", "source.example", 8080)),
        ("http://source.example:80", Origin("http", "source.example", 80)),
        ("http://[::1]:8082/0", Origin("http", "::1", 8082)),
    ],
)
def test_origin(address: str, expected: Origin) -> None:
    """An origin has its host in lower case and always a port."""
    assert origin(address) == expected


@pytest.mark.parametrize(
    "address",
    [
        "",
        "/path",
        "source.example/x",
        "ftp://source.example/",
        "javascript:alert(1)",
        "http:source.example",
        "http:///x",
        "http://user:password@source.example/",
        "http://source.example:99999/",
        "http://source.example:a/",
        "http://source.example\\@other.example/",
        "http://exam%70le.example/",
        "http://source.example/a b",
        "http://source.example/\r\nX-Injected: 1",
        "http://[::1/",
    ],
)
def test_what_is_no_address(address: str) -> None:
    """What could be read in two ways, or carries a secret, is refused, and the message does not repeat it."""
    with pytest.raises(NotAFeed) as refused:
        origin(address)
    assert "password" not in str(refused.value)
    assert "Injected" not in str(refused.value)


class Named:
    """A signer that tells what it was made of."""

    def __init__(self, key_id: str, secret: str) -> None:
        self.made_of = (key_id, secret)

    def __call__(self, method: str, url: str, content_type: str, body: bytes) -> dict[str, str]:
        """One header with everything."""
        return {"X": f"{method} {url} {content_type!r} {body!r}"}


def made(auth: str, pair: tuple[str, str] = ("id", "s3cret")) -> Signer | None:
    """The signer of a source with this AUTH."""
    return make_signer(FeedSource("feed", "activity_stream", PAGE, auth, *pair, hawk=Named))


def sent(signer: Signer | None) -> dict[str, str]:
    """The headers a signer adds."""
    assert signer is not None
    return dict(signer("GET", PAGE, "", b""))


def test_basic_and_bearer() -> None:
    """Basic has the key id and the secret in base 64, Bearer the secret."""
    assert sent(made("basic")) == {"Authorization": "Basic aWQ6czNjcmV0"}
    assert sent(made("bearer")) == {"Authorization": "Bearer s3cret"}


def test_hawk_is_made_of_the_pair() -> None:
    """AUTH=hawk uses the signer that was handed in."""
    signer = made("hawk")
    assert isinstance(signer, Named)
    assert signer.made_of == ("id", "s3cret")


def test_nothing_to_authenticate_with() -> None:
    """AUTH=none, and a pair of which both are empty, send nothing."""
    assert made("none") is None
    assert made("hawk", ("", "")) is None


def test_unknown_auth() -> None:
    """An AUTH that does not exist is refused, naming those that do."""
    with pytest.raises(SettingsError, match="hawk, basic, bearer or none"):
        made("digest")


def test_secrets_are_not_printed() -> None:
    """Neither a source nor a signer shows its secret."""
    source = FeedSource("feed", "activity_stream", PAGE, "basic", "id", "s3cret")
    assert "s3cret" not in repr(source)
    assert "aWQ6" not in repr(make_signer(source))
