"""The only page loop: where it goes, where it ends, what it refuses."""

import pytest

from activity_stream.errors import ForeignHost, NotAFeed, PageLoop
from activity_stream.feeds.types.activity_stream import ActivityStream
from activity_stream.feeds.walk import Walk
from activity_stream.ports import Response

SEED = "https://source.example/feed?page=0"


def answer(following: str | None) -> Response:
    """An empty page that leads there."""
    link = f',"next":"{following}"' if following is not None else ""
    return Response("", 200, {}, f'{{"orderedItems":[]{link}}}'.encode())


def step(following: str | None, *allowed: str, seed: str = SEED) -> Walk:
    """A walk that has read its first page, which leads there."""
    walk = Walk(ActivityStream(seed), seed, allowed)
    walk.accept(answer(following))
    return walk


def test_it_goes_on_over_empty_pages_to_the_one_without_next() -> None:
    """An empty page with `next` does not end the walk; the page without does, and is where updates go on."""
    walk = Walk(ActivityStream(SEED), SEED)
    for page in range(1, 4):
        walk.accept(answer(f"?page={page}"))
    assert walk.request().url == "https://source.example/feed?page=3"
    walk.accept(answer(None))
    assert (walk.address, walk.page_address) == (None, "https://source.example/feed?page=3")


@pytest.mark.parametrize("following", ["", None])
def test_the_end(following: str | None) -> None:
    """No `next` and an empty one both end the pages; then there is nothing to ask for."""
    walk = step(following)
    assert walk.address is None
    with pytest.raises(ValueError, match="over"):
        walk.request()
    with pytest.raises(ValueError, match="over"):
        walk.accept(answer(None))


def test_next_is_followed_byte_for_byte() -> None:
    """A query with a parameter twice, `+` and escapes goes out as it came in."""
    raw = "https://source.example/feed?cursor=2019-06-17+16%3A02%2B00%3a00&cursor=85#"
    assert step(raw).request().url == raw[:-1]


def test_a_page_that_leads_to_itself_is_found_at_once() -> None:
    """The first page whose `next` is its own address ends the walk, which stays where it was."""
    walk = Walk(ActivityStream(SEED), SEED)
    walk.accept(answer("?page=1"))
    walk.accept(answer("?page=2"))
    with pytest.raises(PageLoop):
        walk.accept(answer("?page=2"))
    assert walk.address == "https://source.example/feed?page=2"


def test_a_first_page_that_leads_to_itself() -> None:
    """The first page may not lead to itself either."""
    with pytest.raises(PageLoop):
        step(SEED)


def go_round(walk: Walk, way_in: int, around: int) -> None:
    """Lead the walk to a round of pages, and along it."""
    for count in range(1, 3 * (way_in + around) + 3):
        page = count if count < way_in else way_in + (count - way_in) % around
        walk.accept(answer(f"?page={page}"))


@pytest.mark.parametrize("way_in", [0, 1, 5, 40])
@pytest.mark.parametrize("around", [2, 3, 8, 77])
def test_pages_that_go_round_are_found(way_in: int, around: int) -> None:
    """A round of any length, at the seed or later, is found before it was gone round three times."""
    walk = Walk(ActivityStream(SEED), SEED)
    with pytest.raises(PageLoop):
        go_round(walk, way_in, around)


def test_many_different_pages_are_no_round() -> None:
    """However long a feed is, pages that differ are never taken for a round."""
    walk = Walk(ActivityStream(SEED), SEED)
    for page in range(1, 3000):
        walk.accept(answer(f"?page={page}"))
    assert walk.address == "https://source.example/feed?page=2999"


@pytest.mark.parametrize(
    "following",
    [
        "https://other.example/feed",
        "http://source.example/feed",
        "https://source.example:8443/feed",
        "//other.example/feed",
        "https://source.example.other.example/feed",
        "https://source.example@other.example/feed",
        "https://user:pass@source.example/feed",
        "https://source.example./feed",
        "ftp://source.example/feed",
        "file:///etc/passwd",
        "https:feed",
        "https://source.example/a b",
    ],
)
def test_another_host_is_refused(following: str) -> None:
    """`next` that leaves the seed's scheme, host or port, or might, is refused, and the walk stays where it was."""
    walk = Walk(ActivityStream(SEED), SEED)
    with pytest.raises(ForeignHost):
        walk.accept(answer(following))
    assert walk.address == SEED


@pytest.mark.parametrize("following", ["https://SOURCE.Example/x", "HTTPS://source.example:443/x"])
def test_the_same_host_written_differently(following: str) -> None:
    """Case and the scheme's own port make no other host."""
    assert step(following).address == following


@pytest.mark.parametrize(
    ("following", "allowed"),
    [
        ("https://other.example/x", "other.example"),
        ("https://other.example/x", "OTHER.example:443"),
        ("https://other.example:8443/x", "other.example:8443"),
    ],
)
def test_allowed_hosts(following: str, allowed: str) -> None:
    """A host that the settings allow is followed to, at its scheme's port or the one they name."""
    assert step(following, allowed).address == following


@pytest.mark.parametrize(
    ("following", "allowed"),
    [
        ("https://other.example:8443/x", "other.example"),
        ("http://other.example/x", "other.example"),
        ("http://other.example/x", "other.example:80"),
        ("https://x.other.example/x", "other.example"),
    ],
)
def test_allowed_hosts_are_taken_by_the_letter(following: str, allowed: str) -> None:
    """Another port or a host below the allowed one is refused, and https is never left for http."""
    with pytest.raises(ForeignHost, match="ALLOWED_HOSTS"):
        step(following, allowed)


def test_http_may_lead_to_an_allowed_https() -> None:
    """A feed that begins without TLS may go on with it."""
    assert step("https://other.example/x", "other.example", seed="http://source.example/").address is not None


def test_credentials_go_to_the_seeds_host_alone() -> None:
    """A request to an allowed host is not signed."""

    class Signing:
        def __call__(self, method: str, url: str, content_type: str, body: bytes) -> dict[str, str]:  # noqa: ARG002
            return {"Authorization": "secret"}

    walk = Walk(ActivityStream(SEED, Signing()), SEED, ("other.example",))
    assert walk.request().signer is not None
    walk.accept(answer("https://other.example/x"))
    assert walk.request().signer is None


def test_a_first_address_of_another_host_is_not_asked() -> None:
    """An address kept from before the seed was changed is refused before anything is sent."""
    with pytest.raises(ForeignHost):
        Walk(ActivityStream(SEED), "https://old.example/feed").request()


def test_an_answer_that_is_no_page_leaves_the_walk_where_it_was() -> None:
    """After a broken answer the same page can be asked for again."""
    walk = Walk(ActivityStream(SEED), SEED)
    with pytest.raises(NotAFeed):
        walk.accept(Response(SEED, 200, {}, b"<html>"))
    assert walk.address == SEED
