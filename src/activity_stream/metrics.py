"""Metrics, under exactly the names and labels that dashboards use, in Prometheus' text format.

The text is written here and not by the library: the library adds `_total` to every counter's name, and a `_created`
series to each; the contract's `http_response_body_bytes` is a counter without the first, and nobody asked for the
second. Text format: https://prometheus.io/docs/instrumenting/exposition_formats/ (0.0.4).
"""

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum

import msgspec
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, Summary

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
FEED, CYCLE = "feed_unique_id", "ingest_type"
_ADDED_UP = ("counter", "summary", "histogram")
_GAUGES_ADDED_UP = ("ingest_inprogress_ingests_total",)
"""What each process has its own of; what the other gauges say is the same whoever says it."""


class Outcome(StrEnum):
    """How something ended: the values of the label `status`."""

    SUCCESS = "success"
    FAILURE = "failure"
    CANCELLED = "cancelled"


class Stage(StrEnum):
    """The part of a page's way that is measured."""

    PULL = "pull"
    PUSH = "push"
    TOTAL = "total"


class Family(msgspec.Struct):
    """A metric as it is written: series (name and labels, as text) and their values, in order."""

    name: str
    type: str
    documentation: str
    series: dict[str, float]


class PlainCounter:
    """A counter under a name that does not end in `_total`, which the library would not allow."""

    def __init__(self, name: str, documentation: str, *labels: str) -> None:
        self._name = name
        self._documentation = documentation
        self._labels = labels
        self._series: dict[str, float] = {}
        self._lock = threading.Lock()

    def add(self, number: float, *values: str) -> None:
        """Add to the series with these values of its labels."""
        series = self._name + _labels(dict(zip(self._labels, values, strict=True)))
        with self._lock:
            self._series[series] = self._series.get(series, 0.0) + number

    def family(self) -> Family:
        """The counter as it is now."""
        with self._lock:
            return Family(self._name, "counter", self._documentation, dict(self._series))


class Metrics:
    """All there is to measure in one process. Durations are in seconds; `feed` is a feed's unique id, `cycle` `full`
    or `updates`."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._feed = Summary(
            "ingest_feed_duration_seconds", "Duration of a cycle of a feed", [FEED, CYCLE, "status"], registry=registry
        )
        self._page = Histogram(
            "ingest_page_duration_seconds",
            "Duration of a page's way, by stage",
            [FEED, CYCLE, "stage", "status"],
            registry=registry,
        )
        self._in_progress = Gauge("ingest_inprogress_ingests_total", "Cycles under way", registry=registry)
        self._ingested = self._counter("ingest_activities_nonunique_total", "Activities written", FEED, CYCLE)
        self._skipped = self._counter("ingest_items_skipped_total", "Items that could not be stored", FEED, CYCLE)
        self._refused = self._counter("ingest_items_refused_total", "Documents the index refused", FEED, CYCLE)
        self._stalled = self._counter("ingest_stalled_total", "Cycles given up for lack of progress", FEED, CYCLE)
        self._held = self._gauge("ingest_held_generations", "Generations that wait for a confirmation", FEED)
        self._stored = self._gauge("elasticsearch_activities_total", "Activities in the index", "searchable")
        self._feed_stored = self._gauge(
            "elasticsearch_feed_activities_total", "Activities of a feed in the index", FEED, "searchable"
        )
        self._age = self._gauge("elasticsearch_activities_age_minimum_seconds", "Age of a feed's newest activity", FEED)
        self._refresh = Summary(
            "elasticsearch_refresh_duration_seconds",
            "Duration of making writes visible",
            [FEED, CYCLE],
            registry=registry,
        )
        self._http = Summary(
            "http_request_duration_seconds", "Duration of a request to a source", ["host", "status"], registry=registry
        )
        self._answers = self._counter("http_request_completed_total", "Requests to a source", "host", "code")
        self._bytes = PlainCounter("http_response_body_bytes", "Bytes of a source's answers", "host", "code")

    def _counter(self, name: str, documentation: str, *labels: str) -> Counter:
        return Counter(name, documentation, labels, registry=self._registry)

    def _gauge(self, name: str, documentation: str, *labels: str) -> Gauge:
        return Gauge(name, documentation, labels, registry=self._registry)

    def observe_feed(self, feed: str, cycle: str, status: str, seconds: float) -> None:
        """A cycle of a feed ended."""
        self._feed.labels(feed, cycle, status).observe(seconds)

    def observe_page(self, feed: str, cycle: str, stage: str, status: str, seconds: float) -> None:
        """A page was pulled, pushed, or both (`total`)."""
        self._page.labels(feed, cycle, stage, status).observe(seconds)

    @contextmanager
    def in_progress(self) -> Iterator[None]:
        """A cycle is under way as long as the context lasts."""
        with self._in_progress.track_inprogress():
            yield

    def count_activities(self, feed: str, cycle: str, number: int) -> None:
        """Activities were written, each counted as often as it came."""
        self._ingested.labels(feed, cycle).inc(number)

    def count_skipped(self, feed: str, cycle: str, number: int) -> None:
        """Items of a page could not be stored."""
        self._skipped.labels(feed, cycle).inc(number)

    def count_refused(self, feed: str, cycle: str, number: int) -> None:
        """Documents were refused by the index for good."""
        self._refused.labels(feed, cycle).inc(number)

    def count_stalled(self, feed: str, cycle: str) -> None:
        """A cycle made no progress and was given up."""
        self._stalled.labels(feed, cycle).inc()

    def set_held(self, feed: str, number: int) -> None:
        """How many of a feed's generations wait for a confirmation."""
        self._held.labels(feed).set(number)

    def set_activities(self, number: int, *, searchable: bool) -> None:
        """How many activities readers can find, or not (yet)."""
        self._stored.labels(_searchable(searchable)).set(number)

    def set_feed_activities(self, feed: str, number: int, *, searchable: bool) -> None:
        """How many activities of a feed readers can find, or not (yet)."""
        self._feed_stored.labels(feed, _searchable(searchable)).set(number)

    def set_age_minimum(self, feed: str, seconds: float) -> None:
        """The age of the newest activity of a feed that readers can find."""
        self._age.labels(feed).set(seconds)

    def observe_refresh(self, feed: str, cycle: str, seconds: float) -> None:
        """What was written has been made visible."""
        self._refresh.labels(feed, cycle).observe(seconds)

    def observe_request(self, host: str, status: str, seconds: float) -> None:
        """A request to a source ended: `status` is the HTTP status, or an Outcome where there is none."""
        self._http.labels(host, status).observe(seconds)

    def count_response(self, host: str, code: int, body_bytes: int) -> None:
        """A source answered with this HTTP status and so many bytes of body."""
        self._answers.labels(host, str(code)).inc()
        self._bytes.add(body_bytes, host, str(code))

    def exposition(self) -> bytes:
        """Everything measured so far, in Prometheus' text format."""
        return _written([*(_family(metric) for metric in self._registry.collect()), self._bytes.family()])


def _searchable(searchable: bool) -> str:
    return "searchable" if searchable else "nonsearchable"


def merge(own: bytes, others: Sequence[bytes]) -> bytes:
    """Several processes' expositions as one, with each family and each series once.

    Counts, sums, buckets and the cycles under way are added up. Of another gauge that several report the largest is
    taken: a gauge says how something is, and a process that knows nothing of it says 0.
    """
    merged: dict[str, Family] = {}
    for exposition in (own, *others):
        for family in _parsed(exposition):
            into = merged.setdefault(family.name, Family(family.name, family.type, family.documentation, {}))
            for series, value in family.series.items():
                before = into.series.get(series)
                if before is None:
                    into.series[series] = value
                elif into.type in _ADDED_UP or into.name in _GAUGES_ADDED_UP:
                    into.series[series] = before + value
                else:
                    into.series[series] = max(before, value)
    return _written(merged.values())


def _family(metric: Metric) -> Family:
    """What the library has collected, under the names that go out."""
    name = f"{metric.name}_total" if metric.type == "counter" else metric.name
    samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
    series = {f"{sample.name}{_labels(sample.labels)}": float(sample.value) for sample in samples}
    return Family(name, metric.type, metric.documentation, series)


def _labels(labels: dict[str, str]) -> str:
    pairs = [f'{name}="{_escaped(value)}"' for name, value in labels.items()]
    return f"{{{','.join(pairs)}}}" if pairs else ""


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _number(value: float) -> str:
    return {"inf": "+Inf", "-inf": "-Inf", "nan": "NaN"}.get(repr(value), repr(value))


def _written(families: Iterable[Family]) -> bytes:
    """The families as text; each begins with what it is."""
    lines: list[str] = []
    for family in families:
        lines += [f"# HELP {family.name} {family.documentation}", f"# TYPE {family.name} {family.type}"]
        lines += [f"{series} {_number(value)}" for series, value in family.series.items()]
    return "".join(f"{line}\n" for line in lines).encode(errors="backslashreplace")


def _parsed(exposition: bytes) -> list[Family]:
    """The families of a text that `_written` made; a line that it cannot have made is left out."""
    families: list[Family] = []
    for line in exposition.decode(errors="replace").split("\n"):
        if line.startswith("# HELP "):
            name, _, documentation = line.removeprefix("# HELP ").partition(" ")
            families.append(Family(name, "untyped", documentation, {}))
        elif line.startswith("# TYPE ") and families:
            families[-1].type = line.rpartition(" ")[2]
        elif families:
            series, _, value = line.rpartition(" ")
            if series and _is_number(value):
                families[-1].series[series] = float(value)
    return families


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True
