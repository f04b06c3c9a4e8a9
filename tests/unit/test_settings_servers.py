"""Where data go: the embedded default, an OpenSearch or Elasticsearch, a Redis, and what the platform names."""

import sys
from pathlib import Path

import pytest

from activity_stream.settings import (
    AwsKeys,
    EmbeddedIndex,
    RedisState,
    Secret,
    ServerIndex,
    Settings,
    SqliteState,
    load,
)
from tests.unit.settings_examples import CERTIFICATE, only_problem, problems, seed_example, vcap, written

AWS = {
    "ES_URI": "https://search-x.eu-west-2.es.example",
    "ES_AWS_ACCESS_KEY_ID": "AKIA",
    "ES_AWS_SECRET_ACCESS_KEY": "aws-secret",
    "ES_AWS_REGION": "eu-west-2",
}
OPENSEARCH = "https://us:pass@search.test:9200"
REDIS = "rediss://:pass@state.test:6380/1"


def server(settings: Settings) -> ServerIndex:
    """The settings' index, which must be a server."""
    assert isinstance(settings.storage.index, ServerIndex)
    return settings.storage.index


def redis(settings: Settings) -> str:
    """The URL of the settings' state, which must be a Redis."""
    assert isinstance(settings.storage.state, RedisState)
    return settings.storage.state.url.reveal()


class TestSeedExample:
    """The environment of today's installations."""

    def test_its_servers_are_used(self) -> None:
        """The index and the state are the ones that its VCAP_SERVICES names, and there is nothing to warn of."""
        settings = load(seed_example(), None)
        assert server(settings) == ServerIndex(
            url="http://127.0.0.1:9200",
            username="some-id",
            password=Secret("some-secret"),
            ca_file=None,
            replicas="0-1",
            shared_below=0,
            aws=None,
        )
        assert redis(settings) == "redis://127.0.0.1:6379"
        assert settings.warnings == ()
        assert "some-secret" in settings.secrets()
        assert "some-secret" not in repr(settings)


class TestIndexUrl:
    """INDEX_URL, and what belongs to it."""

    @pytest.mark.parametrize(
        ("value", "url", "username", "password"),
        [
            ("http://a.test", "http://a.test", "", ""),
            ("https://a.test:9200/", "https://a.test:9200", "", ""),
            ("http://[::1]:9200", "http://[::1]:9200", "", ""),
            ("https://us:pass@a.test", "https://a.test", "us", "pass"),
            ("https://u%40s:p%2Fa%3As%25s@a.test:1", "https://a.test:1", "u@s", "p/a:s%s"),
            ("https://us@a.test", "https://a.test", "us", ""),
        ],
    )
    def test_a_server_is_understood(self, value: str, url: str, username: str, password: str) -> None:
        """The address goes one way, the login, percent-decoded, another."""
        found = server(load({"INDEX_URL": value}, None))
        assert (found.url, found.username, found.password.reveal()) == (url, username, password)

    def test_passwords_are_hidden_as_they_came_and_as_they_are_meant(self) -> None:
        """A log line could show either."""
        settings = load(
            {"INDEX_URL": "https://us:p%2fss-1@a.test", "STATE_URL": "redis://us:p%2fss-2@b.test?password=p%2fss-3"},
            None,
        )
        assert {f"p%2fss-{n}" for n in (1, 2, 3)} | {f"p/ss-{n}" for n in (1, 2, 3)} <= set(settings.secrets())
        assert not [secret for secret in settings.secrets() if secret in repr(settings)]

    @pytest.mark.parametrize(
        ("value", "allowed"),
        [
            ("/some/where", "embedded:DIRECTORY"),
            ("a.test:9200", "http:// or https://"),
            ("ftp://a.test", "http:// or https://"),
            ("https:///", "with a host"),
            ("https://a.test:99999", "with a host"),
            ("https://us:pa/ss@a.test", "percent-encoded"),
            ("https://us:pa%ffss@a.test", "UTF-8"),
            ("https://u%3As:pass@a.test", "colon"),
            ("https://a.test/prefix", "no path"),
            ("https://a.test?x=1", "no path"),
            ("https://a.test#x", "no path"),
        ],
    )
    def test_what_is_no_address_is_a_problem(self, value: str, allowed: str) -> None:
        """What came is shown without a login, with what is allowed."""
        problem = only_problem({"INDEX_URL": value})
        assert problem.startswith("INDEX_URL: ")
        assert allowed in problem
        assert "ss@" not in problem

    def test_a_certificate_authority_can_be_given(self, tmp_path: Path) -> None:
        """INDEX_CA_FILE is the file's path."""
        file = written(tmp_path, CERTIFICATE, "ca.pem")
        found = server(load({"INDEX_URL": "https://a.test", "INDEX_CA_FILE": str(file)}, None))
        assert found.ca_file == file

    @pytest.mark.parametrize("content", [None, "", "no certificate"])
    def test_a_file_without_certificates_is_a_problem(self, tmp_path: Path, content: str | None) -> None:
        """Missing, empty or something else: nothing could be asked with it."""
        file = tmp_path / "ca.pem" if content is None else written(tmp_path, content, "ca.pem")
        problem = only_problem({"INDEX_URL": "https://a.test", "INDEX_CA_FILE": str(file)})
        assert problem.startswith("INDEX_CA_FILE: ")
        assert "PEM" in problem

    @pytest.mark.parametrize("replicas", ["0", "2", "0-1", "1-3"])
    def test_replicas_can_be_given(self, replicas: str) -> None:
        """A number, or a range."""
        assert server(load({"INDEX_URL": "https://a.test", "INDEX_REPLICAS": replicas}, None)).replicas == replicas

    def test_small_feeds_can_share_indices(self) -> None:
        """SHARED_INDEX_BELOW is a number of activities."""
        assert server(load({"INDEX_URL": "https://a.test", "SHARED_INDEX_BELOW": "5000"}, None)).shared_below == 5000
        assert only_problem({"INDEX_URL": "https://a.test", "SHARED_INDEX_BELOW": "few"}).startswith("SHARED_INDEX_")

    @pytest.mark.parametrize("replicas", ["many", "-1", "1.5", "2-1", "0-all", "1-", "0-1-2", "٣"])
    def test_what_is_no_number_of_replicas_is_a_problem(self, replicas: str) -> None:
        """It would be refused by the server at the first write."""
        assert only_problem({"INDEX_URL": "https://a.test", "INDEX_REPLICAS": replicas}).startswith("INDEX_REPLICAS: ")

    def test_what_is_for_servers_alone_is_a_warning_elsewhere(self, tmp_path: Path) -> None:
        """With the embedded index both settings do nothing, and INDEX_CA_FILE nothing without TLS."""
        more = {"INDEX_CA_FILE": str(written(tmp_path, CERTIFICATE, "ca.pem")), "INDEX_REPLICAS": "1"}
        ca_file, replicas, shared = load(more | {"SHARED_INDEX_BELOW": "5"}, None).warnings
        assert shared.startswith("SHARED_INDEX_BELOW is not used")
        assert ca_file.startswith("INDEX_CA_FILE is not used")
        assert replicas.startswith("INDEX_REPLICAS is not used")
        (ca_file,) = load(more | {"INDEX_URL": "http://a.test"}, None).warnings
        assert ca_file.startswith("INDEX_CA_FILE is not used")
        assert not load(more | {"INDEX_URL": "https://a.test"}, None).warnings


class TestStateUrl:
    """STATE_URL."""

    @pytest.mark.parametrize(
        "value",
        [
            "redis://a.test",
            "redis://a.test:6379/0",
            "rediss://us:p%40ss@a.test:6380/?socket_timeout=0.5&ssl_cert_reqs=none",
            "redis://[::1]?db=3&health_check_interval=10",
        ],
    )
    def test_a_redis_is_understood(self, value: str) -> None:
        """The URL arrives as it is."""
        assert redis(load({"STATE_URL": value}, None)) == value

    def test_its_certificate_authority_can_be_given(self, tmp_path: Path) -> None:
        """The option names a file that is there."""
        file = written(tmp_path, CERTIFICATE, "ca.pem")
        assert redis(load({"STATE_URL": f"rediss://a.test?ssl_ca_certs={file}"}, None)).endswith(str(file))

    @pytest.mark.parametrize(
        ("value", "allowed"),
        [
            ("/some/where", "sqlite:FILE"),
            ("unix:///redis.sock", "redis:// or rediss://"),
            ("redis:///0", "with a host"),
            ("redis://a.test/zero", "number of a database"),
            ("redis://a.test/0/1", "number of a database"),
            ("redis://a.test#x", "number of a database"),
            ("redis://a.test?decode_responses=true", "ssl_ca_certs"),
            ("redis://a.test?socket_timeout=never", "socket_timeout"),
            ("redis://a.test?ssl_cert_reqs=none", "rediss://"),
            ("rediss://a.test?ssl_ca_certs=/not/there", "ssl_ca_certs"),
            ("rediss://:pa/ss@a.test", "percent-encode"),
        ],
    )
    def test_what_is_no_redis_is_a_problem(self, value: str, allowed: str) -> None:
        """An option with which no connection could be made is told at the start too."""
        problem = only_problem({"STATE_URL": value})
        assert problem.startswith("STATE_URL: ")
        assert allowed in problem
        assert "ss@" not in problem


class TestVcapServices:
    """What the platform names."""

    def test_it_names_both(self) -> None:
        """Where nothing else says where data go, they go there."""
        settings = load(vcap(opensearch=OPENSEARCH, redis=REDIS), None)
        assert (server(settings).url, server(settings).username) == ("https://search.test:9200", "us")
        assert redis(settings) == REDIS
        assert not settings.warnings

    def test_opensearch_is_looked_for_first(self) -> None:
        """Of the two kinds of index."""
        settings = load(vcap(elasticsearch="http://old.test", opensearch="http://new.test"), None)
        assert server(settings).url == "http://new.test"

    def test_what_it_does_not_name_is_the_default(self) -> None:
        """A platform names many services."""
        settings = load(vcap(postgres="x") | {"DATA_DIR": "/d"}, None)
        assert settings.storage.index == EmbeddedIndex(Path("/d/index"))
        assert settings.storage.state == SqliteState(Path("/d/state.sqlite"))
        assert not settings.warnings
        assert load({"VCAP_SERVICES": '{"redis": [], "opensearch": []}'}, None).warnings == ()

    def test_it_can_be_in_a_file(self, tmp_path: Path) -> None:
        """As every secret can."""
        file = written(tmp_path, vcap(redis=REDIS)["VCAP_SERVICES"])
        assert redis(load({"VCAP_SERVICES_FILE": str(file)}, None)) == REDIS

    @pytest.mark.parametrize(
        ("more", "winner"), [({"INDEX_URL": "embedded:/i"}, "INDEX_URL"), ({"ES_URI": AWS["ES_URI"]}, "ES_URI")]
    )
    def test_what_the_operator_says_wins(self, more: dict[str, str], winner: str) -> None:
        """The index is elsewhere, which a warning says; the state is still the platform's."""
        settings = load(vcap(opensearch=OPENSEARCH, redis=REDIS) | more, None)
        assert redis(settings) == REDIS
        (warning,) = settings.warnings
        assert warning == f"VCAP_SERVICES names an index that is not used: {winner} is set"

    def test_both_can_be_overruled(self) -> None:
        """Each is told."""
        more = {"INDEX_URL": "embedded:/i", "STATE_URL": "sqlite:/s"}
        settings = load(vcap(opensearch=OPENSEARCH, redis=REDIS) | more, None)
        assert settings.storage.index == EmbeddedIndex(Path("/i"))
        assert settings.storage.state == SqliteState(Path("/s"))
        assert [warning.rpartition(": ")[2] for warning in settings.warnings] == [
            "INDEX_URL is set",
            "STATE_URL is set",
        ]
        assert not load({"VCAP_SERVICES": "{"} | more, None).warnings

    @pytest.mark.parametrize(
        "value",
        [
            "{",
            "[]",
            '{"redis": {}}',
            '{"redis": [{}]}',
            '{"redis": [{"credentials": {"uri": "x"}}]}',
            '{"opensearch": [{"credentials": {"uri": "redis://us:hidden@a.test"}}]}',
            "[" * 99_999,
        ],
    )
    def test_it_has_to_make_sense(self, value: str) -> None:
        """Broken JSON, or JSON of another shape, is a problem that shows nothing of it."""
        problem = only_problem({"VCAP_SERVICES": value})
        assert problem.startswith("VCAP_SERVICES: **** came")
        assert "hidden" not in problem


class TestAws:
    """An index whose requests are signed for AWS."""

    def test_all_four_make_a_signed_index(self) -> None:
        """The keys go with the address, and the secret is hidden."""
        settings = load(AWS, None)
        assert server(settings).url == AWS["ES_URI"]
        assert server(settings).aws == AwsKeys("AKIA", Secret("aws-secret"), "eu-west-2")
        assert "aws-secret" in settings.secrets()
        assert "aws-secret" not in repr(settings)

    def test_an_address_alone_is_a_plain_index(self) -> None:
        """Nothing is signed."""
        found = server(load({"ES_URI": "https://us:pass@a.test"}, None))
        assert (found.url, found.username, found.aws) == ("https://a.test", "us", None)

    @pytest.mark.parametrize("missing", sorted(AWS.keys() - {"ES_URI"}))
    def test_keys_are_needed_together(self, missing: str) -> None:
        """What is missing is named; an empty variable is missing."""
        assert only_problem(AWS | {missing: ""}).startswith(f"{missing}: nothing came")

    def test_two_missing_keys_are_two_problems(self) -> None:
        """All at once."""
        names = {problem.partition(":")[0] for problem in problems({"ES_URI": "https://a.test", "ES_AWS_REGION": "x"})}
        assert names == {"ES_AWS_ACCESS_KEY_ID", "ES_AWS_SECRET_ACCESS_KEY"}

    def test_a_login_and_a_signature_exclude_each_other(self) -> None:
        """Both would be sent as `Authorization`."""
        problem = only_problem(AWS | {"ES_URI": "https://us:pass@a.test"})
        assert problem.startswith("ES_URI: 'https://****@a.test' came")

    def test_an_explicit_index_wins(self) -> None:
        """What is not used is told, and need not be complete."""
        settings = load({"ES_URI": "https://a.test", "ES_AWS_REGION": "x", "INDEX_URL": "embedded:/i"}, None)
        assert settings.storage.index == EmbeddedIndex(Path("/i"))
        assert settings.warnings == ("ES_URI is not used: INDEX_URL is set",)

    def test_keys_without_an_address_are_told(self) -> None:
        """They do not sign what goes to another index."""
        keys = {name: value for name, value in AWS.items() if name != "ES_URI"}
        (warning,) = load(keys | {"INDEX_URL": "https://a.test"}, None).warnings
        assert warning.startswith("ES_AWS_ACCESS_KEY_ID, ES_AWS_SECRET_ACCESS_KEY, ES_AWS_REGION")
        assert "ES_URI" in warning

    def test_the_missing_package_is_told_at_the_start(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without botocore nothing can be signed; without keys it is not needed."""
        monkeypatch.setitem(sys.modules, "botocore", None)
        assert "pip install 'activity-stream[aws]'" in only_problem(AWS)
        assert load({"ES_URI": AWS["ES_URI"]}, None)
