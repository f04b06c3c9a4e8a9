"""Where settings come from: a TOML file, the environment, files of secrets."""

import pickle
from pathlib import Path

import pytest

from activity_stream.fields import AddedField, FieldType
from activity_stream.model import Alias, Grant, GrantKind
from activity_stream.settings import Secret, Settings, describe, load
from tests.unit.settings_examples import FEED, KEY, PAIR, only_problem, problems, seed_example, written


class TestToml:
    """The file has the same structure, and the environment wins."""

    TEXT = """
        port = 1
        publish_min_ratio = 0.25
        incoming_ip_whitelist = ["10.0.0.0/8", "::1"]
        [[feeds]]
        unique_id = "one"
        type = "activity_stream"
        seed = "https://a.test/"
        exception_intervals = [5, 6.5]
        disable_updates = true
        secret_access_key = "from-file"
        access_key_id = "us"
        [[incoming_access_key_pairs]]
        key_id = "reader"
        secret_key = "s"
        [incoming_access_key_pairs.permissions]
        activities = ["__MATCH_ALL__", { __terms_key = "type", terms_values = ["a", "b"] }]
        objects = []
        [[fields]]
        alias = "objects"
        name = "dit:code"
        type = "keyword"
    """

    def load(self, tmp_path: Path, **environ: str) -> Settings:
        """The file's settings, with this environment."""
        return load(environ, written(tmp_path, self.TEXT))

    def test_a_file_can_say_everything(self, tmp_path: Path) -> None:
        """Numbers, booleans, lists and tables arrive as if they had come from the environment."""
        settings = self.load(tmp_path)
        (feed,) = settings.feeds
        assert (settings.api.port, len(settings.api.whitelist), feed.publish_min_ratio) == (1, 2, 0.25)
        assert (feed.rhythm.exception_intervals, feed.rhythm.disable_updates) == ((5, 6.5), True)
        assert settings.callers["reader"].caller.grants == {
            Alias.ACTIVITIES: (Grant(GrantKind.MATCH_ALL), Grant(GrantKind.TERMS, "type", ("a", "b"))),
        }
        assert settings.fields == (AddedField(Alias.OBJECTS, "dit:code", FieldType.KEYWORD),)

    def test_the_environment_wins_key_by_key(self, tmp_path: Path) -> None:
        """What it sets replaces the file's; everything else of the same feed stays."""
        settings = self.load(tmp_path, PORT="2", FEEDS__1__SEED="https://b.test/", FEEDS__1__EXCEPTION_INTERVALS__2="9")
        (feed,) = settings.feeds
        assert (settings.api.port, feed.seed, feed.unique_id) == (2, "https://b.test/", "one")
        assert feed.rhythm.exception_intervals == (5, 9)

    def test_one_text_replaces_a_whole_list(self, tmp_path: Path) -> None:
        """Comma separated in the environment, the file's items are gone."""
        assert self.load(tmp_path, FEEDS__1__EXCEPTION_INTERVALS="7").feeds[0].rhythm.exception_intervals == (7,)

    def test_an_empty_variable_takes_a_value_away(self, tmp_path: Path) -> None:
        """Empty means not set, and the environment wins."""
        assert self.load(tmp_path, PORT="").api.port == 8080

    def test_the_environments_secret_file_wins_over_the_files_secret(self, tmp_path: Path) -> None:
        """It is not the same as setting both in one place."""
        file = str(written(tmp_path, "other\n", "secret"))
        (feed,) = self.load(tmp_path, FEEDS__1__SECRET_ACCESS_KEY_FILE=file).feeds
        assert feed.secret_access_key.reveal() == "other"

    def test_a_problem_in_the_file_names_variable_and_file(self, tmp_path: Path) -> None:
        """So that the operator knows which of the two to change; unknown keys are problems too."""
        found = problems({}, written(tmp_path, 'port = "x"\nprot = 1\n[[feeds]]\nsede = 1\n'))
        assert any(each.startswith("PORT (in config.toml): 'x' came") for each in found)
        assert any(each.startswith("PROT (in config.toml) is no setting; did you mean PORT?") for each in found)
        assert any(
            "FEEDS__1__SEDE (in config.toml) is no setting; did you mean FEEDS__1__SEED?" in each for each in found
        )

    @pytest.mark.parametrize("text", ["port = ", "= 1", "a = " + "[" * 5_000])
    def test_a_file_that_is_no_toml_is_a_problem(self, tmp_path: Path, text: str) -> None:
        """It is told alone: without it nothing can be said of the rest."""
        (problem,) = problems({"PORT": "x"}, written(tmp_path, text))
        assert "config.toml is not TOML" in problem

    def test_a_file_that_cannot_be_read_is_a_problem(self, tmp_path: Path) -> None:
        """Missing, a directory, or not UTF-8."""
        (tmp_path / "latin").write_bytes(b'a = "\xe9"')
        for file in (tmp_path / "missing", tmp_path, tmp_path / "latin"):
            assert str(file) in problems({}, file)[0]


class TestSecrets:
    """Secrets can come in files, and do not show."""

    @pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
    def test_a_secret_can_be_in_a_file(self, tmp_path: Path, ending: str) -> None:
        """The line break at its end is not part of it; blanks are."""
        file = tmp_path / "secret"
        file.write_bytes(f" from file {ending}".encode())
        settings = load({f"{PAIR}KEY_ID": "reader", f"{PAIR}SECRET_KEY_FILE": str(file)}, None)
        assert settings.callers["reader"].secret.reveal() == " from file "

    @pytest.mark.parametrize("name", [row.variable for row in describe() if row.secret])
    def test_every_secret_can_be_in_a_file(self, tmp_path: Path, name: str) -> None:
        """`NAME_FILE` is known for each, so that a missing file is told."""
        variable = name.replace("__n", "__1") + "_FILE"
        found = problems(FEED | {f"{PAIR}KEY_ID": "x"} | {variable: str(tmp_path / "missing")})
        assert any(each.startswith(f"{variable}: ") and "No such file" in each for each in found), found

    def test_what_is_no_secret_cannot_be_in_a_file(self) -> None:
        """PORT_FILE is not ours."""
        assert "is no setting" in only_problem(FEED | {"FEEDS__1__SEED_FILE": "/x"})

    def test_both_at_once_is_a_problem(self, tmp_path: Path) -> None:
        """Which of the two was meant cannot be known."""
        file = str(written(tmp_path, "x", "secret"))
        problem = only_problem(KEY | {f"{PAIR}SECRET_KEY_FILE": file})
        assert f"{PAIR}SECRET_KEY is set too" in problem

    @pytest.mark.parametrize("content", [b"", b"\n", b"\xff", b"x" * (2**20 + 1)])
    def test_a_file_without_a_secret_is_a_problem(self, tmp_path: Path, content: bytes) -> None:
        """Empty, not text, or far too long; told once."""
        (tmp_path / "secret").write_bytes(content)
        name = f"{PAIR}SECRET_KEY_FILE"
        assert only_problem({f"{PAIR}KEY_ID": "reader", name: str(tmp_path / "secret")}).startswith(f"{name}: ")

    def test_settings_can_be_printed(self) -> None:
        """No repr shows a secret, and `secrets()` has them all."""
        keys = {"FEEDS__1__ACCESS_KEY_ID": "us", "FEEDS__1__SECRET_ACCESS_KEY": "feed-secret"}
        settings = load(FEED | KEY | keys | {"SENTRY_DSN": "https://dsn-secret@a.test/1"}, None)
        assert set(settings.secrets()) == {"feed-secret", "reader-secret", "https://dsn-secret@a.test/1"}
        assert not [secret for secret in settings.secrets() if secret in repr(settings) + str(settings)]

    def test_a_secret_is_a_value(self) -> None:
        """Equal secrets are equal, and an empty one is false."""
        assert Secret("a") == Secret("a") != Secret("b")
        assert hash(Secret("a")) == hash(Secret("a"))
        assert not Secret()
        assert f"{Secret('a')}" == "****"

    def test_settings_can_go_to_another_process(self) -> None:
        """The API's workers get them as they are."""
        settings = load(seed_example(), None)
        assert pickle.loads(pickle.dumps(settings)) == settings  # noqa: S301
