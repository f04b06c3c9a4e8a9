"""Two indexes with the same documents, asked the same: what of their answers has to be equal."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from activity_stream.errors import SearchRefused
from activity_stream.model import Activity, Alias
from activity_stream.ports import Index

DATA = Path(__file__).parents[1] / "data"

Pair = tuple[Index, Index]


async def fill(pair: Pair, feeds: Sequence[Sequence[Activity]]) -> None:
    """The same documents in both, under the same index names as far as their random part allows; an unpublished
    generation besides."""
    for index in pair:
        for number, activities in enumerate(feeds):
            for publish in (True, False):
                generation = await index.begin(f"feed{number}")
                half = len(activities) // 2
                await index.write([generation], activities[:half], visible=True)
                await index.write([generation], activities[half:], visible=True)
                if publish:
                    await index.publish(generation)


async def ask(index: Index, alias: Alias, asked: Any) -> dict[str, Any]:
    """The answer, or the refusal, with its `status`."""
    data = asked.encode() if isinstance(asked, str) else json.dumps(asked).encode()
    try:
        answer = await index.search(alias, data)
    except SearchRefused as refused:
        return {"status": refused.status, **json.loads(refused.body)}
    return {**json.loads(answer.body), "status": answer.status}


def comparable(answer: dict[str, Any], asked: Any) -> dict[str, Any]:
    """What has to be equal of an answer: without times, scores and the random part of index names."""
    if answer["status"] != 200:
        return {"status": answer["status"]}
    hits = [
        {
            "index": hit["_index"].split("__date_")[0],
            **{key: hit.get(key) for key in ("_id", "_source", "fields", "highlight")},
            "sort": _rounded(hit.get("sort"), 9),
            "inner_hits": _rounded(hit.get("inner_hits")),
        }
        for hit in answer["hits"]["hits"]
    ]
    if "sort" not in asked:
        whole = answer["hits"].get("total", {"relation": "gte"})
        complete = whole["relation"] == "eq" and whole["value"] == len(hits)
        hits = (
            sorted(hits, key=lambda hit: (str(hit["_id"]), hit["index"], json.dumps(hit, sort_keys=True)))
            if complete
            else [{"hits": len(hits)}]
        )
    return {
        "hits": hits,
        "total": answer["hits"].get("total"),
        "aggregations": _rounded(answer.get("aggregations")),
        "suggest": _rounded(answer.get("suggest"), 6),
    }


def _rounded(value: Any, digits: int = 12) -> Any:
    """Sums of numbers depend on their order in the last digits, distances on how sines are worked out; of the names of
    hits' indices a part is random; that a value was not indexed, one engine says."""
    if isinstance(value, dict):
        return {
            key: inner.split("__date_")[0] if key == "_index" else _rounded(inner, 9 if key == "sort" else digits)
            for key, inner in value.items()
            if key != "_ignored"
        }
    if isinstance(value, list):
        return [_rounded(inner, digits) for inner in value]
    return float(f"{value:.{digits}g}") if isinstance(value, float) else value


def real_activities() -> list[Activity]:
    """The activities of real sources."""
    found = []
    for line in (DATA / "activities.jsonl").read_text("utf-8").splitlines():
        activity = json.loads(line)["activity"]
        if "id" not in activity:
            continue
        inner = activity.get("object")
        whole = isinstance(inner, dict) and isinstance(inner.get("id"), str)
        found.append(
            Activity(
                str(activity["id"]),
                json.dumps(activity).encode(),
                inner["id"] if whole else None,
                json.dumps(inner).encode() if whole else None,
            )
        )
    return found
