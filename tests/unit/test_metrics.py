"""Metrics come out under exactly the names and labels that dashboards use."""

import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from activity_stream.metrics import Metrics, Stage, merge

REFERENCE = Path(__file__).parent.parent.parent / "docs" / "reference" / "logs-and-metrics.md"
CONTRACT = {
    "ingest_feed_duration_seconds": ("summary", {"feed_unique_id", "ingest_type", "status"}),
    "ingest_page_duration_seconds": ("histogram", {"feed_unique_id", "ingest_type", "stage", "status"}),
    "ingest_inprogress_ingests_total": ("gauge", set()),
    "ingest_activities_nonunique_total": ("counter", {"feed_unique_id", "ingest_type"}),
    "elasticsearch_activities_total": ("gauge", {"searchable"}),
    "elasticsearch_feed_activities_total": ("gauge", {"feed_unique_id", "searchable"}),
    "elasticsearch_activities_age_minimum_seconds": ("gauge", {"feed_unique_id"}),
    "elasticsearch_refresh_duration_seconds": ("summary", {"feed_unique_id", "ingest_type"}),
    "http_request_duration_seconds": ("summary", {"host", "status"}),
    "http_request_completed_total": ("counter", {"host", "code"}),
    "http_response_body_bytes": ("counter", {"host", "code"}),
}
ADDED = {
    "ingest_items_skipped_total": ("counter", {"feed_unique_id", "ingest_type"}),
    "ingest_items_refused_total": ("counter", {"feed_unique_id", "ingest_type"}),
    "ingest_stalled_total": ("counter", {"feed_unique_id", "ingest_type"}),
    "ingest_held_generations": ("gauge", {"feed_unique_id"}),
}
SERIES = re.compile(r"^([a-z_]+?)(?:\{(.*)\})? ([^ ]+)$")


def measured(feed: str = "feed") -> Metrics:
    """Metrics in which everything has been measured once."""
    metrics = Metrics()
    metrics.observe_feed(feed, "full", "success", 2.0)
    metrics.observe_page(feed, "full", Stage.PULL, "success", 0.3)
    metrics.count_activities(feed, "full", 3)
    metrics.count_skipped(feed, "full", 1)
    metrics.count_refused(feed, "full", 2)
    metrics.count_stalled(feed, "full")
    metrics.set_held(feed, 1)
    metrics.set_activities(7, searchable=True)
    metrics.set_feed_activities(feed, 7, searchable=True)
    metrics.set_age_minimum(feed, 4.5)
    metrics.observe_refresh(feed, "updates", 0.1)
    metrics.observe_request("host:80", "200", 0.2)
    metrics.count_response("host:80", 200, 1234)
    return metrics


def values(exposition: bytes) -> dict[str, str]:
    """Series and value of every sample line."""
    return dict(line.rsplit(" ", 1) for line in exposition.decode().splitlines() if not line.startswith("#"))


@pytest.mark.parametrize(("name", "expected"), (CONTRACT | ADDED).items())
def test_every_metric_has_its_name_type_and_labels(name: str, expected: tuple[str, set[str]]) -> None:
    """The exposition has the metric under exactly this name, of this type, with these labels and no others."""
    kind, labels = expected
    text = measured().exposition().decode()
    assert f"\n# TYPE {name} {kind}\n" in f"\n{text}"
    ending = {"summary": "_count", "histogram": "_count"}.get(kind, "")
    lines = [match for line in text.splitlines() if (match := SERIES.match(line)) and match[1] == name + ending]
    assert lines, f"no sample of {name}"
    assert set(re.findall(r'([a-z_]+)="', lines[0][2] or "")) == labels


def test_there_are_no_other_metrics() -> None:
    """Nothing is measured that is not documented; no series of the library's own."""
    text = measured().exposition().decode()
    assert set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE)) == CONTRACT.keys() | ADDED.keys()
    assert "_created" not in text
    assert "http_response_body_bytes_total" not in text


@pytest.mark.parametrize("name", sorted(CONTRACT | ADDED))
def test_every_metric_is_in_the_reference(name: str) -> None:
    """The reference names each metric with its labels."""
    row = next((line for line in REFERENCE.read_text("utf-8").splitlines() if line.startswith(f"| `{name}`")), "")
    assert row, f"{REFERENCE.name} has no row for {name}"
    kind, labels = (CONTRACT | ADDED)[name]
    assert kind in row
    assert all(f"`{label}`" in row for label in labels)


def test_what_is_measured_comes_out() -> None:
    """Values arrive under the series they were measured for."""
    found = values(measured().exposition())
    assert found['ingest_feed_duration_seconds_sum{feed_unique_id="feed",ingest_type="full",status="success"}'] == "2.0"
    assert found['http_response_body_bytes{host="host:80",code="200"}'] == "1234.0"
    assert found['elasticsearch_feed_activities_total{feed_unique_id="feed",searchable="searchable"}'] == "7.0"


def test_cycles_under_way_are_counted_while_they_last() -> None:
    """The gauge goes up and comes down again, after an error too."""
    metrics = Metrics()
    with metrics.in_progress():
        assert values(metrics.exposition())["ingest_inprogress_ingests_total"] == "1.0"
    with pytest.raises(ValueError, match="x"), metrics.in_progress():
        raise ValueError("x")
    assert values(metrics.exposition())["ingest_inprogress_ingests_total"] == "0.0"


def test_a_label_can_hold_anything() -> None:
    """Quotes, backslashes and line breaks in a value are escaped, so that any reader of the format gets them back."""
    metrics = Metrics()
    nasty = 'a"b\\c\nd'
    metrics.observe_request(nasty, "200", 0.1)
    families = text_string_to_metric_families(metrics.exposition().decode())
    hosts = {sample.labels["host"] for family in families for sample in family.samples if "host" in sample.labels}
    assert hosts == {nasty}


def test_two_processes_do_not_share_their_numbers() -> None:
    """Each Metrics has a registry of its own."""
    measured()
    assert b"feed" not in b"".join(line for line in Metrics().exposition().splitlines() if not line.startswith(b"#"))


def test_cycles_under_way_are_those_of_all_collectors() -> None:
    """Two collectors with a cycle under way each, and one with none, have two together."""
    one, other = Metrics(), Metrics()
    with one.in_progress(), other.in_progress():
        merged = values(merge(Metrics().exposition(), [one.exposition(), other.exposition()]))
    assert merged["ingest_inprogress_ingests_total"] == "2.0"


def test_merged_expositions_have_each_family_and_series_once() -> None:
    """The API's and the collector's become one valid text."""
    text = merge(Metrics().exposition(), [measured("a").exposition(), measured("b").exposition()]).decode()
    types = re.findall(r"^# TYPE (\S+)", text, re.MULTILINE)
    series = [line.rsplit(" ", 1)[0] for line in text.splitlines() if not line.startswith("#")]
    assert sorted(types) == sorted(set(types))
    assert sorted(series) == sorted(set(series))
    assert len(list(text_string_to_metric_families(text))) == len(types)


def test_merging_adds_counts_and_takes_the_largest_gauge() -> None:
    """A counter of two processes is their sum; of a gauge the process that knows more is believed."""
    merged = values(merge(Metrics().exposition(), [measured().exposition(), measured().exposition()]))
    assert merged['ingest_activities_nonunique_total{feed_unique_id="feed",ingest_type="full"}'] == "6.0"
    assert merged['http_response_body_bytes{host="host:80",code="200"}'] == "2468.0"
    assert (
        merged['ingest_feed_duration_seconds_count{feed_unique_id="feed",ingest_type="full",status="success"}'] == "2.0"
    )
    assert merged['elasticsearch_activities_total{searchable="searchable"}'] == "7.0"


def test_merging_with_nothing_changes_nothing() -> None:
    """One process's exposition is what it was."""
    text = measured().exposition()
    assert merge(text, []) == text


def test_merging_survives_rubbish() -> None:
    """What another process left behind cannot make the answer invalid."""
    text = measured().exposition()
    assert merge(text, [b"", b"\xff\xfe", b"nonsense", b"# TYPE x counter\nx not-a-number\n"]) == text
