"""Everything that is wrong with a configuration is told at once."""

import os
import random

import pytest

from activity_stream.errors import SettingsError
from activity_stream.settings import describe, load
from tests.unit.settings_examples import FEED, KEY, PAIR, only_problem, problems


class TestProblems:
    """What is wrong is told: all of it, by name, with what is allowed, and without secrets."""

    @pytest.mark.parametrize(
        ("name", "value", "allowed"),
        [
            ("PORT", "many", "from 0 to 65535"),
            ("PORT", "65536", "from 0 to 65535"),
            ("PORT", "-1", "from 0 to 65535"),
            ("PORT", "8_080", "digits"),
            ("PORT", "٣", "digits"),
            ("HOST", "a b", "address"),
            ("MAX_PAGE_BYTES", "64MiB", "whole number"),
            ("MAX_PAGE_BYTES", "0", "1 or more"),
            ("MAX_BODY_BYTES", "1.5", "whole number"),
            ("STALL_TIMEOUT", "0", "more than 0"),
            ("STALL_TIMEOUT", "nan", "seconds"),
            ("STALL_TIMEOUT", "inf", "seconds"),
            ("CURSOR_EXPIRY", "1e99", "at most"),
            ("PUBLISH_MIN_RATIO", "1.5", "at most 1"),
            ("LOG_FORMAT", "xml", "text or json"),
            ("INCOMING_IP_WHITELIST__1", "10.0.0.1/8", "perhaps 10.0.0.0/8"),
            ("INCOMING_IP_WHITELIST__1", "example.test", "IPv4 or IPv6"),
            ("FEEDS__1__UNIQUE_ID", "a__b", "letters"),
            ("FEEDS__1__UNIQUE_ID", "a b", "letters"),
            ("FEEDS__1__TYPE", "rss", "activity_stream"),
            ("FEEDS__1__SEED", "ftp://a.test/", "http:// or https://"),
            ("FEEDS__1__SEED", "/feed", "absolute"),
            ("FEEDS__1__SEED", "http:///feed", "host"),
            ("FEEDS__1__SEED", "http://a.test:99999/", "absolute"),
            ("FEEDS__1__SEED", "http://[::1/", "absolute"),
            ("FEEDS__1__SEED", "http://a.test/é", "percent-encode"),
            ("FEEDS__1__SEED", "http://a.test/a b", "percent-encode"),
            ("FEEDS__1__SEED", "http://a.test/#x", "# part"),
            ("FEEDS__1__AUTH", "digest", "hawk or basic or bearer or none"),
            ("FEEDS__1__ALLOWED_HOSTS", "http://b.test", "without http://"),
            ("FEEDS__1__ALLOWED_HOSTS__2", "b.test:0", "host"),
            ("FEEDS__1__EXCEPTION_INTERVALS", "1,,2", "seconds"),
            ("FEEDS__1__EXCEPTION_INTERVALS", "1,-2", "seconds"),
            ("FEEDS__1__DISABLE_UPDATES", "maybe", "true or false"),
            ("FEEDS__1__PUBLISH_MIN_RATIO", "half", "ratio"),
            ("INCOMING_ACCESS_KEY_PAIRS__1__KEY_ID", 'a"b', "printable ASCII"),
            ("INDEX_URL", "/some/where", "embedded:DIRECTORY"),
            ("STATE_URL", "/some/where", "sqlite:FILE"),
            ("ES_URI", "a.test", "http:// or https://"),
        ],
    )
    def test_a_wrong_value_is_named_with_what_is_allowed(self, name: str, value: str, allowed: str) -> None:
        """The line has the variable, the value that came and what is allowed."""
        problem = only_problem(FEED | KEY | {name: value})
        assert problem.startswith(f"{name}: ")
        assert allowed in problem
        assert "came" in problem

    @pytest.mark.parametrize("name", ["zendesk", "aventri", "maxemail", "maxemail-full"])
    def test_a_kind_that_is_not_there_yet_is_told_so(self, name: str) -> None:
        """It is no typing mistake, and nothing more is said of that feed's other settings."""
        problem = only_problem(FEED | {"FEEDS__1__TYPE": name, "FEEDS__1__API_KEY": "x"})
        assert f"{name} is not there yet: this version collects activity_stream" in problem

    @pytest.mark.parametrize("name", sorted(FEED))
    def test_a_feed_needs_its_name_kind_and_seed(self, name: str) -> None:
        """Missing and empty are the same."""
        for environ in (FEED | {name: ""}, {key: value for key, value in FEED.items() if key != name}):
            assert only_problem(environ).startswith(f"{name}: nothing came")

    @pytest.mark.parametrize("name", sorted(KEY))
    def test_a_key_pair_needs_both(self, name: str) -> None:
        """A key with an empty secret would let everyone in."""
        for environ in (
            KEY | {name: ""},
            KEY | {name: "  "},
            {key: value for key, value in KEY.items() if key != name},
        ):
            assert only_problem(environ).startswith(f"{name}: nothing came")

    @pytest.mark.parametrize(
        ("auth", "given", "missing"),
        [
            ("", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY"),
            ("", "SECRET_ACCESS_KEY", "ACCESS_KEY_ID"),
            ("basic", "SECRET_ACCESS_KEY", "ACCESS_KEY_ID"),
            ("bearer", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY"),
        ],
    )
    def test_half_a_credential_is_a_problem(self, auth: str, given: str, missing: str) -> None:
        """A feed is never asked unsigned because half of its key is missing."""
        problem = only_problem(FEED | {"FEEDS__1__AUTH": auth, f"FEEDS__1__{given}": "x"})
        assert problem.startswith(f"FEEDS__1__{missing}: nothing came")

    def test_names_and_keys_are_unique(self) -> None:
        """Two feeds of one name, or two keys of one id, name each other; the same seed twice is a warning."""
        again = {name.replace("__1__", "__2__"): value for name, value in (FEED | KEY).items()}
        names, keys = problems(FEED | KEY | again)
        assert "FEEDS__2__UNIQUE_ID" in names
        assert "FEEDS__1__UNIQUE_ID" in names
        assert "INCOMING_ACCESS_KEY_PAIRS__2__KEY_ID" in keys
        others = {"FEEDS__2__UNIQUE_ID": "two", "INCOMING_ACCESS_KEY_PAIRS__2__KEY_ID": "other"}
        (warning,) = load(FEED | KEY | again | others, None).warnings
        assert "FEEDS__2__SEED" in warning

    @pytest.mark.parametrize(
        ("name", "meant"),
        [
            ("FEEDS__1__SEDE", "FEEDS__1__SEED"),
            ("FEED__1__SEED", "FEEDS__1__SEED"),
            ("INCOMING_WHITELIST__1", "INCOMING_IP_WHITELIST"),
            (f"{PAIR}SECRET", f"{PAIR}SECRET_KEY"),
            ("FIELDS__1__NAMES", "FIELDS__1__NAME"),
        ],
    )
    def test_a_misspelt_name_is_a_problem_with_a_suggestion(self, name: str, meant: str) -> None:
        """What begins like ours and is not ours is told, without its value."""
        field = {"FIELDS__1__ALIAS": "objects", "FIELDS__1__NAME": "x", "FIELDS__1__TYPE": "text"}
        problem = only_problem(FEED | KEY | field | {name: "the-value"})
        assert name in problem
        assert f"did you mean {meant}" in problem
        assert "the-value" not in problem

    def test_a_list_needs_numbers(self) -> None:
        """A level of names where numbers belong is told once."""
        assert "FEEDS is a list" in only_problem(
            {name.replace("__1__", "__one__"): value for name, value in FEED.items()}
        )
        assert "by itself" in only_problem({"FEEDS": "https://a.test"})

    def test_the_same_thing_said_twice_is_a_problem(self) -> None:
        """`FEEDS__01__…` is `FEEDS__1__…`; which of the two was meant cannot be known."""
        problem = only_problem(FEED | {"FEEDS__01__SEED": "https://b.test/"})
        assert "FEEDS__01__SEED" in problem
        assert "FEEDS__1__SEED" in problem

    def test_an_empty_item_of_a_list_is_a_problem(self) -> None:
        """An empty whitelist entry must not turn the check of addresses off."""
        assert "INCOMING_IP_WHITELIST__1: nothing came" in only_problem({"INCOMING_IP_WHITELIST__1": ""})

    def test_all_problems_come_at_once_and_without_secrets(self) -> None:
        """One line each; no secret, whatever is wrong with it or beside it."""
        environ = FEED | {
            "PORT": "x",
            "FEEDS__1__SEED": "ftp://us:hidden-1@a.test/?token=hidden-2",
            "FEEDS__1__AUTH": "bearer",
            "FEEDS__1__SECRET_ACCESS_KEY": "hidden-3 with a blank",
            "FEEDS__1__SECRET_ACESS_KEY": "hidden-4",
            "INDEX_URL": "https://us:hidden-5@a.test/x",
            "STATE_URL": "redis://:hidden/6@a.test",
            "ES_URI": "us:hidden-7@a.test",
            "SENTRY_DSN": "hidden-8://hidden",
            "VCAP_SERVICES": '{"redis": "hidden-9"}',
            f"{PAIR}SECRET_KEY": "hidden-10",
            "ES_AWS_SECRET_ACCESS_KEY": "hidden-\udcff",
        }
        found = problems(environ)
        assert len(found) == len(set(found)) == 10
        assert "hidden" not in "\n".join(found)
        for name in (
            "PORT",
            "SEED",
            "SECRET_ACCESS_KEY",
            "SECRET_ACESS_KEY",
            "INDEX_URL",
            "STATE_URL",
            "ES_URI",
            "SENTRY_DSN",
        ):
            assert any(name in problem for problem in found), name

    def test_a_value_cannot_break_the_report(self) -> None:
        """Line breaks, bytes that are no UTF-8 and endless values are shown safely."""
        problem = only_problem({"PORT": "1\n2\udcff" + "x" * 10_000})
        assert problem.isprintable()
        assert problem.encode()
        assert len(problem) < 300

    def test_no_environment_can_break_the_reading(self) -> None:
        """Whatever names and values come, the outcome is settings, or problems that can be shown, and no other
        error."""
        seed = int(os.environ.get("SETTINGS_SEED", random.SystemRandom().randrange(2**32)))
        print(f"SETTINGS_SEED={seed}")
        dice = random.Random(seed)
        names = [part for row in describe() for part in row.variable.split("__")]
        parts = [*names, "1", "2", "01", "activities", "objects", "", "_FILE", "999999999999", "²", "\udcff", "x"]
        texts = [
            "",
            "1",
            "x",
            "[",
            "::",
            "http://[",
            "\n",
            "\udcff",
            "é",
            "\0",
            "embedded:",
            "sqlite:",
            "https://us:%ff@a.test",
            "redis://a.test?db=%ff",
            "__MATCH_ALL__",
            "{}",
        ]
        for _ in range(300):
            environ = {
                "__".join(dice.choices(parts, k=dice.randint(1, 6))): dice.choice(texts)
                for _ in range(dice.randint(1, 20))
            }
            environ |= {dice.choice(describe()).variable.replace("__n", "__1"): dice.choice(texts) for _ in range(5)}
            try:
                load(environ, None)
            except SettingsError as error:
                assert error.problems
                assert all(each.isprintable() for each in error.problems)
