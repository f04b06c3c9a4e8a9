"""Who may ask: every check of the contract's section 6, in its order, with its text."""

import json

import pytest

from activity_stream import hawk
from tests.flow.api.served import SECRET, WHITELIST, Served, serving

PATH = "/v3/activities/_search"
INCORRECT = "Incorrect authentication credentials."


async def refusal(api: Served, headers: dict[str, str], body: bytes = b"{}", path: str = PATH) -> tuple[int, str]:
    """Status and details of the answer to a GET."""
    status, names, answer = await api.send(path, body, "GET", headers)
    assert names["server"] == "activity-stream"
    if status == 401:
        assert names["www-authenticate"].startswith("Hawk")
    return status, json.loads(answer).get("details", "")


async def test_each_missing_header_has_its_text_and_the_order_is_kept() -> None:
    """Without headers the first complaint is about X-Forwarded-Proto, then Authorization, then Content-Type."""
    async with serving() as api:
        right = api.headers(PATH, b"{}")
        assert await refusal(api, {}) == (401, "The X-Forwarded-Proto header was not set.")
        had = {"X-Forwarded-Proto": "http"}
        assert await refusal(api, had) == (401, "Authentication credentials were not provided.")
        had["Authorization"] = right["Authorization"]
        text = "Content-Type header was not set. It must be set for authentication, even if as the empty string."
        assert await refusal(api, had) == (401, text)
        assert (await refusal(api, right))[0] == 200


@pytest.mark.parametrize("more", [{"Content-Encoding": "gzip"}, {"Content-Encoding": "deflate"}, {"Expect": "wonders"}])
async def test_headers_are_checked_before_the_body_is_looked_at(more: dict[str, str]) -> None:
    """Neither a compressed nor a huge body is taken from a caller that has not said who it is."""
    async with serving(whitelist=WHITELIST, max_body_bytes=1000) as api:
        assert await refusal(api, more, b"x" * 2000) == (401, INCORRECT)
    async with serving(max_body_bytes=1000) as api:
        assert await refusal(api, more, b"x" * 2000) == (401, "The X-Forwarded-Proto header was not set.")


async def test_the_signature_is_checked_before_the_permission() -> None:
    """A key that may not POST, and signs wrongly, hears of the signature alone."""
    async with serving() as api:
        headers = api.headers(PATH, b"{}", "POST", "gets")
        status, _, answer = await api.send(PATH, b"{ }", "POST", headers)
        assert (status, json.loads(answer)) == (401, {"details": INCORRECT})


async def test_an_empty_content_type_is_one() -> None:
    """A request whose Content-Type is there but empty is let in."""
    async with serving() as api:
        status, _, _ = await api.send(PATH, b"", "GET", api.headers(PATH, b"", kind=""))
        assert status == 200


@pytest.mark.parametrize(
    ("forwarded", "status"),
    [
        ("1.2.3.4, 9.9.9.9", 200),
        ("8.8.8.8, 1.2.3.4, 9.9.9.9", 200),
        ("10.1.200.3, 9.9.9.9", 200),
        ("2001:db8::7, 9.9.9.9", 200),
        ("[2001:db8::7]:443, 9.9.9.9", 200),
        ("::ffff:1.2.3.4, 9.9.9.9", 200),
        ("1.2.3.4:1234, 9.9.9.9", 200),
        ("2001:db9::7, 9.9.9.9", 401),
        ("9.9.9.9, 1.2.3.4", 401),
        ("1.2.3.4", 401),
        ("", 401),
        ("not an address, 1.2.3.4", 401),
        (":::::, 1.2.3.4", 401),
        ("fe80::1%eth0, 1.2.3.4", 401),
        (",,,,", 401),
    ],
)
async def test_the_whitelist_looks_at_the_second_address_from_the_right(forwarded: str, status: int) -> None:
    """Only a listed IPv4 or IPv6 address in that place is let in; nothing makes the API fail."""
    async with serving(whitelist=WHITELIST) as api:
        headers = api.headers(PATH, b"{}") | {"X-Forwarded-For": forwarded}
        found = await refusal(api, headers)
        assert found == ((200, "") if status == 200 else (401, INCORRECT))


async def test_without_x_forwarded_for_a_whitelist_lets_nobody_in() -> None:
    """A whitelist is set and the header is absent: 401, before any other complaint."""
    async with serving(whitelist=WHITELIST) as api:
        assert await refusal(api, {}) == (401, INCORRECT)


async def test_whatever_is_wrong_with_the_signature_the_answer_is_the_same() -> None:
    """Another key, secret, path, body, time, an attribute missing or changed: one text for all."""
    async with serving() as api:
        right = api.headers(PATH, b"{}")["Authorization"]
        wrong = [
            "Hawk",
            "Basic abc",
            right.replace('id="all"', 'id="nobody"'),
            right.replace('hash="', 'hush="'),
            right.replace("Hawk ", 'Hawk hash="x", '),
            *(
                ",".join(part for part in right.split(",") if f'{name}="' not in part)
                for name in ("ts", "nonce", "hash")
            ),
            right[:-6] + 'AAA="',
            right + ", " + "x" * 5000,
            api.headers("/v3/objects/_search", b"{}")["Authorization"],
            api.headers(PATH, b"{ }")["Authorization"],
            api.headers(PATH, b"{}", method="POST")["Authorization"],
            api.headers(PATH, b"{}", kind="text/plain")["Authorization"],
        ]
        for header in wrong:
            headers = {"Authorization": header, "Content-Type": "application/json", "X-Forwarded-Proto": "http"}
            assert await refusal(api, headers) == (401, INCORRECT), header


@pytest.mark.parametrize(("seconds", "status"), [(-61, 401), (-59, 200), (59, 200), (61, 401)])
async def test_a_timestamp_is_good_for_a_minute(seconds: float, status: int) -> None:
    """A ts more than 60 seconds before or after now is refused, and the answer tells the server's time."""
    async with serving() as api:
        headers = api.headers(PATH, b"{}")
        await api.clock.advance(-seconds)
        found, names, _ = await api.send(PATH, b"{}", "GET", headers)
        assert found == status
        assert status == 200 or 'tsm="' in names["www-authenticate"]


async def test_a_nonce_is_good_once() -> None:
    """The same request a second time is refused (the promise *once*)."""
    async with serving() as api:
        headers = api.headers(PATH, b"{}")
        assert (await refusal(api, headers))[0] == 200
        assert await refusal(api, headers) == (401, INCORRECT)


async def test_a_nonce_of_one_key_is_free_for_another() -> None:
    """Nonces are remembered for each key, and only those of authentic requests; after two minutes the time refuses."""
    async with serving() as api:
        target = hawk.target_of("GET", api.url + PATH)
        for key in ("all", "public"):
            made = hawk.sign(target, key, SECRET, int(api.clock.now()), "nonce", "", b"")
            right = {"Authorization": hawk.authorization(made), "Content-Type": "", "X-Forwarded-Proto": "http"}
            wrong = right | {"Content-Type": "text/plain"}
            assert [(await refusal(api, each, b""))[0] for each in (wrong, right, right)] == [401, 200, 401]
        await api.clock.advance(121)
        assert (await refusal(api, right, b""))[0] == 401


async def test_nobody_is_let_in_while_nonces_cannot_be_checked() -> None:
    """The shared state is away: 500, never an answer."""
    async with serving() as api:
        api.state.fail_next = 1
        assert await refusal(api, api.headers(PATH, b"{}")) == (500, "An unknown error occurred.")


async def test_the_seeds_permissions_are_methods() -> None:
    """A key with GET alone may GET and sees everything; its POST is 403 with the fixed text."""
    async with serving() as api:
        await api.fill()
        body = {"track_total_hits": True}
        assert (await api.ask(PATH, body, "GET", "gets"))[1]["hits"]["total"]["value"] == 20
        denied = (403, {"details": "You are not authorized to perform this action."})
        assert await api.ask(PATH, body, "POST", "gets") == denied
        assert await api.ask(PATH, body, "GET", "posts") == denied


async def test_the_port_can_come_from_a_proxys_host_header() -> None:
    """One proxy's X-Forwarded-Proto is no scheme, but Host has the port: the signature is right."""
    async with serving() as api:
        headers = api.headers(PATH, b"{}") | {"X-Forwarded-Proto": "on"}
        assert (await refusal(api, headers))[0] == 200


async def test_a_doubled_slash_is_served_and_verified_as_signed() -> None:
    """`//v3/…` is what some clients ask and sign."""
    async with serving() as api:
        path = "//v3/activities/_search"
        assert (await refusal(api, api.headers(path, b"{}"), path=path))[0] == 200
        assert await refusal(api, api.headers(PATH, b"{}"), path=path) == (401, INCORRECT)
