"""Settings come from flags, the environment, the file and the defaults, in that order."""

from pathlib import Path

import pytest

from millpond.app.config import (
    SETTINGS,
    BadSetting,
    machine_memory_bytes,
    read_settings,
    unknown_variables,
)


def test_without_anything_the_defaults_hold(tmp_path: Path) -> None:
    settings = read_settings({}, {}, tmp_path)
    assert (settings.host, settings.port) == ("127.0.0.1", 4566)
    assert settings.data == tmp_path / ".millpond"
    assert (settings.region, settings.account) == ("us-east-1", "000000000000")


def test_each_source_wins_over_the_next(tmp_path: Path) -> None:
    (tmp_path / "millpond.toml").write_text("port = 1001\nregion = 'eu-west-1'\n")
    environment = {"MILLPOND_PORT": "1002"}
    assert read_settings({}, {}, tmp_path).port == 1001
    assert read_settings({}, environment, tmp_path).port == 1002
    settings = read_settings({"port": "1003", "region": None}, environment, tmp_path)
    assert (settings.port, settings.region) == (1003, "eu-west-1")


def test_paths_are_relative_to_where_they_are_written(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/pond.toml").write_text("data = 'lake'\n")
    environment = {"MILLPOND_CONFIG": "etc/pond.toml"}
    assert read_settings({}, environment, tmp_path).data == tmp_path / "etc/lake"
    assert read_settings({"data": "here"}, environment, tmp_path).data == tmp_path / "here"


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("512MB", 512 << 20),
        ("2g", 2 << 30),
        ("1.5 GiB", 3 << 29),
        ("268435456", 1 << 28),
        ("50%", machine_memory_bytes() // 2),
    ],
)
def test_sizes_are_read(text: str, size: int, tmp_path: Path) -> None:
    assert read_settings({"sql_memory": text}, {}, tmp_path).sql_memory == size


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("port", "-1"),
        ("port", "65536"),
        ("port", "4_566"),
        ("port", "٤"),
        ("region", "nowhere"),
        ("account", "123"),
        ("log_level", "loud"),
        ("sql_memory", "12 parsecs"),
        ("sql_memory", "1KB"),
        ("sql_threads", "0"),
        ("host", "local host"),
    ],
)
def test_a_bad_value_is_refused_with_its_source(name: str, text: str, tmp_path: Path) -> None:
    variable = f"MILLPOND_{name.upper()}"
    with pytest.raises(BadSetting, match=variable):
        read_settings({}, {variable: text}, tmp_path)
    with pytest.raises(BadSetting, match="--" + name.replace("_", "-")):
        read_settings({name: text}, {}, tmp_path)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("prot = 1", "prot is not a setting"),
        ("port = true", "port must be"),
        ("[port]\nx = 1", "port must be"),
        ("port 1", "not valid TOML"),
        ("port = 70000", "port: '70000' is not a whole number"),
    ],
)
def test_a_bad_file_is_refused_with_the_reason(text: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "millpond.toml").write_text(text)
    with pytest.raises(BadSetting, match=reason):
        read_settings({}, {}, tmp_path)


def test_a_file_that_was_asked_for_must_exist(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="cannot be read"):
        read_settings({}, {"MILLPOND_CONFIG": "missing.toml"}, tmp_path)


def test_a_misspelt_variable_is_noticed() -> None:
    environment = {"MILLPOND_PROT": "1", "MILLPOND_PORT": "2", "MILLPOND_ROOT_ACCESS_KEY_ID": "x"}
    assert unknown_variables(environment) == ["MILLPOND_PROT"]


def test_every_setting_is_explained() -> None:
    assert all(setting.doc.endswith(".") for setting in SETTINGS)
