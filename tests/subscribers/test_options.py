"""Where options come from, and what is said of those that make no sense."""

from __future__ import annotations

import math
import tomllib
from pathlib import Path

import pytest

from nexus_writer.layout import LayoutOptions
from nexus_writer.subscribers import BadOptions, NexusSessionWriter, WriterOptions, read_options
from nexus_writer.subscribers.options import warn_of_unknown_variables

CONFIG = Path(__file__).parents[2] / "config"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A settings file that the environment names."""
    path = tmp_path / "settings.toml"
    path.write_text('keepshape = true\npath_map = ["/a=/b", "/c=/d"]\nflush_period_s = 0.5\n')
    monkeypatch.setenv("NEXUS_WRITER_SETTINGS_FILE", str(path))
    return path


def test_given_wins_over_environment_over_file_over_default(
    settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXUS_WRITER_FLUSH_PERIOD_S", "0.1")
    options = read_options({"keepshape": False, "noconfig": None})
    assert not options.keepshape
    assert options.flush_period_s == 0.1
    assert options.path_map == ("/a=/b", "/c=/d")
    assert not options.noconfig
    assert options.settings_file == settings


def test_a_given_settings_file_wins_over_that_of_the_environment(settings: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text("noconfig = true\n")
    options = read_options({"settings_file": str(other)})
    assert options.noconfig
    assert not options.keepshape


def test_a_settings_file_may_be_yaml(tmp_path: Path) -> None:
    path = tmp_path / "settings.yml"
    path.write_text("keepshape: true\npath_map: [/a=/b, /c=/d]\n")
    options = read_options({"settings_file": str(path)})
    assert options.keepshape
    assert options.path_map == ("/a=/b", "/c=/d")
    for content, says in (
        (
            "keepshap: true",
            f"there is no option keepshap \\(settings file {path}\\), did you mean keepshape\\?",
        ),
        ("a: [", f"settings_file: {path} is no YAML"),
        ("- keepshape", f"settings_file: {path} has no options"),
        ("keepshape", f"settings_file: {path} has no options"),
    ):
        path.write_text(content)
        with pytest.raises(BadOptions, match=says):
            read_options({"settings_file": str(path)})


def test_path_maps_of_the_environment_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXUS_WRITER_PATH_MAP", "/a=/b, /c=/d")
    assert read_options({}).paths.apply("/c/x") == "/d/x"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"keepshape": "perhaps"}, "keepshape: Input should be a valid boolean, not 'perhaps'"),
        ({"flush_bytes": 0}, "flush_bytes: Input should be greater than 0, not 0"),
        ({"path_map": ("nonsense",)}, "path_map: path map 'nonsense' is not FROM=TO"),
        ({"compression_scheme": "rar"}, "compression_scheme: there is no compression scheme 'rar'"),
        ({"entry_name": "scan"}, "entry_name: entry name 'scan' gives two entries one name"),
        ({"no_such": 1}, "there is no option no_such"),
        ({"keepshape": "x", "flush_bytes": -1}, "; flush_bytes"),
        (
            {"required_disk_space": -5},
            "required_disk_space: Input should be greater than or equal to 0, not -5",
        ),
        ({"recommended_disk_space": "-1"}, "recommended_disk_space: Input should be greater than or equal"),
        ({"required_disk_space": "nan"}, "required_disk_space: Input should be a finite number, not 'nan'"),
        ({"purge_after_s": math.inf}, "purge_after_s: Input should be a finite number, not inf"),
        ({"writer_name": ""}, "writer_name: String should have at least 1 character, not ''"),
        ({"settings_file": "/no/such.toml"}, "settings_file: /no/such.toml cannot be read: No such file"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_option(given: dict[str, object], says: str) -> None:
    with pytest.raises(BadOptions) as error:
        read_options(given)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("keepshap = true", "there is no option keepshap (settings file {file}), did you mean keepshape?"),
        ("keepshape", "settings_file: {file} is no TOML: "),
        ("title = 'Å'", "settings_file: {file} is no TOML: 'utf-8'"),
        (
            'required_disk_space = "lots"',
            "required_disk_space: Input should be a valid number, not 'lots' (settings file {file})",
        ),
    ],
)
def test_a_mistake_in_the_settings_file_names_the_file(settings: Path, content: str, says: str) -> None:
    settings.write_text(content, encoding="latin-1")
    with pytest.raises(BadOptions) as error:
        read_options({})
    assert says.format(file=settings) in str(error.value)


def test_a_mistake_says_where_it_comes_from(settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.write_text("keepshape = 'perhaps'\nnoconfig = 'perhaps'\nstackmca = 'perhaps'\n")
    monkeypatch.setenv("NEXUS_WRITER_KEEPSHAPE", "maybe")
    monkeypatch.setenv("NEXUS_WRITER_STACKMCA", "maybe")
    with pytest.raises(BadOptions) as error:
        read_options({"stackmca": "surely", "validation": None}, given_by="device property")
    keepshape, noconfig, stackmca = str(error.value).split("; ")
    assert keepshape.endswith("not 'maybe' (environment variable NEXUS_WRITER_KEEPSHAPE)")
    assert noconfig.endswith(f"not 'perhaps' (settings file {settings})")
    assert stackmca.endswith("not 'surely' (device property)")


def test_a_misspelt_variable_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("KEEPSHAPE", "keepshpe", "REDIS_URL", "SETTINGS_FILE", "COLOUR"):
        monkeypatch.setenv(f"NEXUS_WRITER_{name}", "true")
    warn_of_unknown_variables()
    assert [record.getMessage() for record in caplog.records] == [
        "The environment variable NEXUS_WRITER_COLOUR sets nothing: there is no option colour",
        "The environment variable NEXUS_WRITER_keepshpe sets nothing: there is no option keepshpe, "
        "did you mean NEXUS_WRITER_KEEPSHAPE?",
    ]


def test_every_layout_option_can_be_set() -> None:
    given = {"keepshape": True, "noconfig": True, "entry_name": "s{scan_nb}_{subscan}"}
    layout = read_options({**given, "compression_scheme": "ZSTD"}).layout
    assert layout == LayoutOptions(**given, compression_scheme="ZSTD")
    assert set(LayoutOptions.__dataclass_fields__) <= set(WriterOptions.model_fields)


def test_the_example_file_is_right() -> None:
    text = (CONFIG / "settings.toml").read_text()
    switched_on = "\n".join(
        line.removeprefix("#") if line.startswith("#") and " = " in line else "" for line in text.splitlines()
    )
    options = read_options(tomllib.loads(switched_on))
    assert options.compression_scheme == "bitshuffle-zstd"
    assert options.recommended_disk_space == 10240


def test_a_writer_warns_of_a_misspelt_variable(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("NEXUS_WRITER_KEEPSHPE", "true")
    NexusSessionWriter("demo_session")
    assert "NEXUS_WRITER_KEEPSHPE sets nothing" in caplog.text
