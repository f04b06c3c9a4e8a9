"""Activities made from their numbers: the same in every process, about 1,100 bytes each, in the form of real ones.

    activity   {"id": ..., "type": "Create", "published": ..., "object": {...}}
    page       100 of them, as a source gives them

Some of `tests/data/client-queries.jsonl` find something among them.
"""

import random
from collections.abc import Iterator

import msgspec

PER_PAGE = 100
LETTERS = "aeioulnrstmdkpb"
TYPES = (
    ["dit:Event", "dit:Interaction", "dit:datahub:theme:export"],
    ["Event", "dit:aventri:Event"],
    ["dit:exportOpportunities:Enquiry"],
    ["dit:directoryFormsApi:Submission"],
    ["Person", "dit:StaffSSO:User"],
    ["Document", "Article"],
)
COMPANIES = [
    "0fb3379c-341c-4da4-b825-bf8d47b26baa",
    *(f"{number:08x}-0000-4000-8000-000000000000" for number in range(99)),
]


class Made(msgspec.Struct, frozen=True):
    """One activity and its object: their ids, and their JSON."""

    id: str
    source: bytes
    object_id: str
    object_source: bytes


def made(count: int, first: int = 0) -> Iterator[Made]:
    """Activities with the numbers from `first`; their words depend on `first` too."""
    chance = random.Random(first)
    common = ["services", "export", "market", "to", "the", "of"]
    words = common * 20 + ["".join(chance.choices(LETTERS, k=chance.randint(4, 9))) for _ in range(3000)]
    for number in range(first, first + count):
        yield _made(number, chance.choices(words, k=60))


def pages(count: int) -> list[bytes]:
    """The pages of a source that has so many activities; page n is at `/n` and the last one has no `next`."""
    sources = [each.source for each in made(count)]
    starts = range(0, count, PER_PAGE)
    return [_page(sources[start : start + PER_PAGE], number + 1, len(starts)) for number, start in enumerate(starts)]


def _made(number: int, words: list[str]) -> Made:
    minute, hour, day, month = number % 60, number // 60 % 24, 1 + number // 1440 % 28, 1 + number // 40_320 % 12
    moment = f"2024-{month:02}-{day:02}T{hour:02}:{minute:02}:00.000Z"
    kinds = TYPES[number % len(TYPES)]
    thing = f"dit:made:Thing:{number:08}"
    company = f"dit:DataHubCompany:{COMPANIES[number // len(TYPES) % len(COMPANIES)]}"
    name = "Holiday to the Sea" if number % 50 == 1 else " ".join(words[:4])
    inner = {
        "id": thing,
        "type": kinds,
        "name": name,
        "content": " ".join(words[4:]),
        "published": moment,
        "updated": moment,
        "startTime": moment,
        "url": f"https://www.example.test/things/{number}",
        "dit:status": "complete",
        "dit:archived": False,
        "attributedTo": [
            {"id": company, "type": ["Organization", "dit:Company"], "name": "Lambda plc"},
            {"id": f"dit:DataHubAdviser:{number % 500}", "type": ["Person", "dit:Adviser"]},
        ],
    }
    source = msgspec.json.encode(inner)
    generator = '{"name":"dit:dataHub","type":"Application"}'
    head = f'{{"id":"{thing}:Create","type":"Create","published":"{moment}","generator":{generator},"object":'
    return Made(f"{thing}:Create", head.encode() + source + b"}", thing, source)


def _page(sources: list[bytes], following: int, count: int) -> bytes:
    more = b',"next":"/%d"' % following if following < count else b""
    return b'{"type":"Collection","orderedItems":[' + b",".join(sources) + b"]" + more + b"}"
