"""The configuration: what is read from it."""

import re
from ipaddress import ip_network
from pathlib import Path

import pytest

from activity_stream.fields import AddedField, FieldType
from activity_stream.model import Alias, Grant, GrantKind, SearchLimits
from activity_stream.settings import Auth, EmbeddedIndex, SqliteState, describe, load, variables
from activity_stream.settings.reference import renewed
from tests.unit.settings_examples import FEED, GRANT, KEY, PAIR, only_problem, problems, seed_example, written

REFERENCE = Path(__file__).parent.parent.parent / "docs" / "reference" / "settings.md"


class TestSeedExample:
    """The environment of today's installations."""

    def test_it_loads_unchanged(self) -> None:
        """Everything in it is understood."""
        settings = load(seed_example(), None)
        assert settings.api.port == 8080
        assert [feed.unique_id for feed in settings.feeds] == ["verification_feed_app"]
        assert settings.feeds[0].auth is Auth.NONE
        assert settings.callers["incoming-some-id-1"].caller.methods == frozenset({"POST"})
        assert settings.callers["incoming-some-id-3"].caller.methods == frozenset({"GET"})
        assert settings.callers["incoming-some-id-3"].secret.reveal() == "incoming-some-secret-3"
        assert settings.api.whitelist == (ip_network("1.2.3.4"), ip_network("2.3.4.5"))
        assert settings.sentry
        assert settings.sentry.dsn.reveal() == "http://abc:cvb@localhost:9872/123"
        assert settings.sentry.environment == "test"


class TestDefaults:
    """What holds when little is said."""

    def test_nothing_at_all_is_a_configuration(self) -> None:
        """Without any setting there are no feeds and no callers, and the documented defaults."""
        settings = load({}, None)
        assert not settings.feeds
        assert not settings.callers
        assert not settings.fields
        assert not settings.warnings
        assert (settings.api.host, settings.api.port, settings.api.whitelist) == ("0.0.0.0", 8080, ())  # noqa: S104
        assert (settings.api.max_body_bytes, settings.api.cursor_expiry) == (2**20, 300)
        assert (settings.collect.stall_timeout, settings.collect.max_page_bytes) == (300, 64 * 2**20)
        assert settings.storage.index == EmbeddedIndex(Path("activity-stream-data/index"))
        assert settings.storage.state == SqliteState(Path("activity-stream-data/state.sqlite"))
        assert settings.log_format == "text"
        assert settings.sentry is None

    def test_a_feed_has_the_rhythm_of_its_kind(self) -> None:
        """What the contract says of activity_stream."""
        (feed,) = load(FEED, None).feeds
        rhythm = feed.rhythm
        assert rhythm.full_ingest_interval == 120
        assert rhythm.full_ingest_page_interval == 0.25
        assert rhythm.updates_page_interval == 1
        assert list(rhythm.exception_intervals) == [1, 2, 4, 8, 16, 32, 64]
        assert rhythm.down_grace_period == 172_800
        assert not rhythm.disable_updates
        assert not feed.allowed_hosts
        assert feed.publish_min_ratio == 0.5

    def test_every_default_is_allowed(self) -> None:
        """The table's defaults pass the table's own checks."""
        for variable in variables.VARIABLES:
            assert not variable.default or variable.read(variable.default) is not None


class TestReading:
    """Values that are allowed."""

    def test_a_feed_can_say_everything(self) -> None:
        """Each of a feed's settings arrives."""
        own = {
            "ACCESS_KEY_ID": "us",
            "SECRET_ACCESS_KEY": "feed-secret",
            "ALLOWED_HOSTS": "B.test, c.test:8443",
            "FULL_INGEST_INTERVAL": "3",
            "FULL_INGEST_PAGE_INTERVAL": "0",
            "UPDATES_PAGE_INTERVAL": ".5",
            "EXCEPTION_INTERVALS": "1, 2.5",
            "DOWN_GRACE_PERIOD": "60",
            "DISABLE_UPDATES": "Yes",
            "PUBLISH_MIN_RATIO": "0",
        }
        (feed,) = load(FEED | {f"FEEDS__1__{name}": value for name, value in own.items()}, None).feeds
        assert (feed.auth, feed.access_key_id, feed.secret_access_key.reveal()) == (Auth.HAWK, "us", "feed-secret")
        assert feed.allowed_hosts == {"b.test", "c.test:8443"}
        assert (feed.rhythm.full_ingest_interval, feed.rhythm.full_ingest_page_interval) == (3, 0)
        assert (feed.rhythm.updates_page_interval, feed.rhythm.exception_intervals) == (0.5, (1, 2.5))
        assert (feed.rhythm.down_grace_period, feed.rhythm.disable_updates, feed.publish_min_ratio) == (60, True, 0)

    def test_lists_are_ordered_by_number(self) -> None:
        """10 comes after 9, and numbers need not follow each other."""
        environ = {
            name.replace("__1__", f"__{n}__"): (
                f"f{n}" if name.endswith("ID") else f"{value}{n}" if "SEED" in name else value
            )
            for n in (10, 9, 2)
            for name, value in FEED.items()
        }
        assert [feed.unique_id for feed in load(environ, None).feeds] == ["f2", "f9", "f10"]

    def test_a_ratio_for_all_is_a_feeds_default(self) -> None:
        """PUBLISH_MIN_RATIO holds for feeds that do not have their own."""
        assert load(FEED | {"PUBLISH_MIN_RATIO": "0.9"}, None).feeds[0].publish_min_ratio == 0.9

    @pytest.mark.parametrize("auth", ["basic", "bearer", "none", "hawk", "BASIC"])
    def test_a_feed_can_say_how_it_is_asked(self, auth: str) -> None:
        """AUTH wins over what the credentials suggest."""
        keys = {"FEEDS__1__AUTH": auth, "FEEDS__1__ACCESS_KEY_ID": "us", "FEEDS__1__SECRET_ACCESS_KEY": "feed-secret"}
        assert load(FEED | keys, None).feeds[0].auth is Auth(auth.lower())

    def test_fields_can_be_added(self) -> None:
        """One more searchable field is three variables, and a grant can be on it."""
        field = {"FIELDS__1__ALIAS": "activities", "FIELDS__1__NAME": "object.x", "FIELDS__1__TYPE": "long"}
        grant = {f"{GRANT}____TERMS_KEY": "object.x", f"{GRANT}____TERMS_VALUES__1": "-7"}
        settings = load(KEY | field | grant, None)
        assert settings.fields == (AddedField(Alias.ACTIVITIES, "object.x", FieldType.LONG),)

    def test_a_key_can_have_limits_of_its_own(self) -> None:
        """Those it names are less than usual, the others as usual; a key's own win over those of all."""
        settings = load(KEY | {"SEARCH_LIMITS": "depth=5, Clauses = 100"}, None)
        assert next(iter(settings.callers.values())).caller.limits == SearchLimits(depth=5, clauses=100)
        settings = load(KEY | {"SEARCH_LIMITS": "depth=5", f"{PAIR}SEARCH_LIMITS": "window=20"}, None)
        assert next(iter(settings.callers.values())).caller.limits == SearchLimits(window=20)
        settings = load(KEY | {f"{PAIR}SEARCH_LIMITS": "body=1000"}, None)
        assert next(iter(settings.callers.values())).caller.limits == SearchLimits(body=1000)
        assert "depth, clauses" in only_problem(KEY | {"SEARCH_LIMITS": "deep=5"})
        assert "from 1 to 30" in only_problem(KEY | {"SEARCH_LIMITS": "depth=31"})

    def test_a_field_can_be_derived(self) -> None:
        """The names of the fields that it has its values from, in their order; wrong ones are said."""
        field = {"FIELDS__1__ALIAS": "activities", "FIELDS__1__NAME": "when", "FIELDS__1__TYPE": "date"}
        settings = load(field | {"FIELDS__1__FIRST_OF": "object.startTime, published"}, None)
        first_of = ("object.startTime", "published")
        assert settings.fields == (AddedField(Alias.ACTIVITIES, "when", FieldType.DATE, first_of),)
        for wrong in ({"FIELDS__1__FIRST_OF": "object..startTime"}, {"FIELDS__1__TYPE": "geo_point"}):
            assert "FIELDS__1__FIRST_OF" in only_problem(field | {"FIELDS__1__FIRST_OF": "published"} | wrong)

    def test_networks_are_understood(self) -> None:
        """Addresses and networks of both kinds, one by one or comma separated."""
        environ = {"INCOMING_IP_WHITELIST__1": "10.0.0.0/8", "INCOMING_IP_WHITELIST__2": "::1, 2001:db8::/32"}
        assert load(environ, None).api.whitelist == tuple(map(ip_network, ("10.0.0.0/8", "::1", "2001:db8::/32")))

    def test_what_is_not_ours_is_ignored(self) -> None:
        """An environment is full of other programs' variables."""
        others = {
            "PATH": "/bin",
            "INCOMING_SERVICE_HOST": "10.0.0.1",
            "A__1__B": "x",
            "FEEDS_PORT": "tcp://x",
            "X__FEEDS__1": "",
        }
        assert load(others, None) == load({}, None)

    def test_a_near_miss_is_a_warning(self) -> None:
        """A misspelt name of a single setting might be another program's: it is told, and not fatal."""
        (warning,) = load({"MAX_PAGE_BYTE": "1"}, None).warnings
        assert "MAX_PAGE_BYTES" in warning


class TestPermissions:
    """What a key may see."""

    @pytest.mark.parametrize("separator", ["____", "__"])
    def test_grants_are_read(self, separator: str) -> None:
        """All three forms, and `__TERMS_KEY` with four underscores or two."""
        permissions = f"{PAIR}PERMISSIONS__"
        environ = KEY | {
            f"{permissions}activities__1{separator}TERMS_KEY": "object.type",
            f"{permissions}activities__1{separator}TERMS_VALUES__1": "a,b",
            f"{permissions}activities__1{separator}TERMS_VALUES__2": "c",
            f"{permissions}activities__2": "__MATCH_ALL__",
            f"{permissions}objects__1": "__MATCH_NONE__",
        }
        caller = load(environ, None).callers["reader"].caller
        assert caller.methods is None
        assert caller.grants == {
            Alias.ACTIVITIES: (Grant(GrantKind.TERMS, "object.type", ("a,b", "c")), Grant(GrantKind.MATCH_ALL)),
            Alias.OBJECTS: (Grant(GrantKind.MATCH_NONE),),
        }

    def test_no_permissions_are_no_grants(self) -> None:
        """A key without permissions may ask and sees nothing."""
        caller = load(KEY, None).callers["reader"].caller
        assert (caller.methods, caller.grants) == (None, {})

    def test_a_key_has_limits_of_its_own_or_those_of_all(self) -> None:
        """How much it may ask: what is said of it, else what is said of all, else the default."""
        of_all = {"REQUESTS_PER_SECOND": "2.5", "REQUESTS_AT_ONCE": "3"}
        own = {f"{PAIR}REQUESTS_PER_SECOND": "0", f"{PAIR}REQUESTS_AT_ONCE": "40"}
        for environ, expected in ((KEY, (0, 16)), (KEY | of_all, (2.5, 3)), (KEY | of_all | own, (0, 40))):
            found = load(environ, None).callers["reader"]
            assert (found.per_second, found.at_once) == expected

    def test_methods_can_be_written_in_any_case(self) -> None:
        """`get` is GET."""
        environ = KEY | {f"{PAIR}PERMISSIONS__1": "get", f"{PAIR}PERMISSIONS__2": "POST"}
        assert load(environ, None).callers["reader"].caller.methods == frozenset({"GET", "POST"})

    @pytest.mark.parametrize(
        ("added", "part"),
        [
            ({"PERMISSIONS__1": "FETCH"}, "GET or POST"),
            ({"PERMISSIONS__1": "GET", "PERMISSIONS__activities__1": "__MATCH_ALL__"}, "not both"),
            ({"PERMISSIONS__activities__1": "everything"}, "__MATCH_ALL__"),
            ({"PERMISSIONS__activities": "__MATCH_ALL__"}, "goes on"),
            ({"PERMISSIONS__activitys__1": "__MATCH_ALL__"}, "is no setting"),
            ({"PERMISSIONS__activities__1____TERMS_KEY": "object.type"}, "at least one value"),
            ({"PERMISSIONS__activities__1____TERMS_VALUES__1": "x"}, "TERMS_KEY"),
            ({"PERMISSIONS__activities__1____TERMS_KEYS": "x"}, "is no setting"),
        ],
    )
    def test_what_is_wrong_is_named(self, added: dict[str, str], part: str) -> None:
        """Whatever could let a key see more, or less, than was meant is refused."""
        found = problems(KEY | {f"{PAIR}{name}": value for name, value in added.items()})
        assert any(part in problem and f"{PAIR}PERMISSIONS" in problem for problem in found), found

    @pytest.mark.parametrize(
        "field", ["object.name", "nothing", "object.dit:relatedProgrammes.id", "object.geocoordinates"]
    )
    def test_a_grant_needs_a_field_with_exact_values(self, field: str) -> None:
        """On text, nested, geo or unmapped fields a grant would let through what nobody meant."""
        problem = only_problem(KEY | {f"{GRANT}____TERMS_KEY": field, f"{GRANT}____TERMS_VALUES__1": "x"})
        assert problem.startswith(f"{GRANT}____TERMS_KEY: '{field}'")
        assert "keyword" in problem

    def test_a_grant_needs_values_that_the_field_can_have(self) -> None:
        """A boolean is not `maybe`."""
        problem = only_problem(
            KEY | {f"{GRANT}____TERMS_KEY": "object.dit:public", f"{GRANT}____TERMS_VALUES__1": "maybe"}
        )
        assert "maybe" in problem


class TestReference:
    """The documentation is made of the same table."""

    def test_the_reference_has_every_setting(self) -> None:
        """The page's table is what `describe` says."""
        page = REFERENCE.read_text("utf-8")
        command = f"{variables.__name__.rsplit('.', 1)[0]}.reference docs/reference/{REFERENCE.name}"
        assert page == renewed(page), f"renew the table: python -m {command}"

    def test_the_table_has_every_variable(self) -> None:
        """A variable that is declared is also described."""
        declared = [each for each in vars(variables).values() if isinstance(each, variables.Variable)]
        assert {each.name for each in declared} == {row.variable for row in describe()}
        assert len(declared) == len(describe())
        assert all(row.meaning for row in describe())

    def test_the_contracts_variables_are_there(self) -> None:
        """Operators rely on these names."""
        known = {row.variable for row in describe()}
        rhythm = variables.RHYTHMS[variables.Kind.ACTIVITY_STREAM]
        assert known >= {f"FEEDS__n__{name}" for name in (*rhythm, "UNIQUE_ID", "TYPE", "SEED")}
        assert known >= set(re.findall(r"\w+", "PORT INDEX_URL STATE_URL DATA_DIR VCAP_SERVICES ES_URI SENTRY_DSN"))

    def test_the_pages_two_examples_are_the_same(self, tmp_path: Path) -> None:
        """The TOML file and the environment of the reference mean the same thing."""
        page = REFERENCE.read_text("utf-8").replace("/run/secrets", str(tmp_path))
        for name in ("my-service", "reader"):
            (tmp_path / name).write_text("secret\n", "utf-8")
        toml, shell = re.findall(r"```(?:toml|shell)\n(.*?)```", page, re.DOTALL)
        environ = dict(line.split("=", 1) for line in shell.splitlines())
        assert load({}, written(tmp_path, toml)) == load(environ, None)
