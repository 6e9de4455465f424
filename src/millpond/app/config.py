"""Settings: what each is, where it may be set, and what it is when nobody says.

A flag wins over the environment (`MILLPOND_PORT`), which wins over `millpond.toml` in the current
folder, which wins over the default. `SETTINGS` is the whole table; the command line and
`docs/reference/settings.md` are made from it.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE_NAME = "millpond.toml"
ENVIRONMENT_PREFIX = "MILLPOND_"
FOLDER_IN_CACHE = "millpond/releases"


class BadSetting(ValueError):
    """A setting that cannot be used; the message names where it was set and why."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the platform runs with. Sizes are in bytes; `data` is an absolute path."""

    host: str
    port: int
    data: Path
    region: str
    account: str
    log_level: str
    sql_memory: int
    sql_threads: int
    sql_queries: int
    spark_memory: int
    spark_threads: int
    spark_port: int
    spark_idle_seconds: int
    releases: Path
    maven: str
    kinesis_limits: bool
    kinesis_state_seconds: float
    streams_memory: int
    streams_applications: int
    stop_seconds: int


@dataclass(frozen=True, slots=True)
class Setting:
    """A row of the table: `read` turns text into a value and raises ValueError to refuse it."""

    name: str
    metavar: str
    default: str
    read: Callable[[str], Any]
    doc: str

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        return ENVIRONMENT_PREFIX + self.name.upper()


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text) <= high:
            raise ValueError(f"is not a whole number from {low} to {high}")
        return int(text)

    return read


def _matching(pattern: str, what: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"is not {what}")
        return text

    return read


_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def _size(text: str) -> int:
    """Bytes of `512MB`, `4G`, `1.5GiB` (units are powers of 1024) or `25%` of the memory."""
    share = re.fullmatch(r"([0-9]{1,2}|100)%", text)
    if share:
        return machine_memory_bytes() * int(share[1]) // 100
    size = re.fullmatch(r"([0-9]{1,15}(?:\.[0-9]{1,3})?)\s*([kmgt]?)i?b?", text.lower())
    if not size or float(size[1]) * _UNITS[size[2]] < 64 << 20:
        raise ValueError("is not a size of 64MB or more, such as 2GB or 25%")
    return int(float(size[1]) * _UNITS[size[2]])


def _threads(text: str) -> int:
    if text == "all":
        return _cores()
    return _whole(1, 1024)(text)


def _seconds(text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,5}(\.[0-9]{1,3})?", text):
        raise ValueError("is not a number of seconds, such as 0, 0.5 or 30")
    return float(text)


def releases_folder(text: str, environment: Mapping[str, str]) -> Path:
    """The folder that the setting `releases` names."""
    if text != "auto":
        return Path(text).expanduser()
    cache = environment.get("XDG_CACHE_HOME", "")
    return (Path(cache) if cache.startswith("/") else Path.home() / ".cache") / FOLDER_IN_CACHE


def _repository(text: str) -> str:
    if text == "auto":
        return ""
    return _matching(r"https?://[^\s]+", "an http:// or https:// URL, or auto")(text)


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "host",
        "ADDRESS",
        "127.0.0.1",
        _matching(r"[0-9A-Za-z.:\-]{1,253}", "an address or host name"),
        "The address to serve on. Every request is signed, but not encrypted: "
        "keep it on this machine or a network that you trust.",
    ),
    Setting(
        "port",
        "PORT",
        "4566",
        _whole(0, 65535),
        "The port to serve on. 0 takes a free one; `millpond env` tells which.",
    ),
    Setting(
        "data",
        "FOLDER",
        ".millpond",
        lambda text: Path(text).expanduser(),
        "The folder that holds everything: records, objects, root credentials, logs. "
        "In `millpond.toml`, a relative path is relative to that file.",
    ),
    Setting(
        "region",
        "REGION",
        "us-east-1",
        _matching(r"[a-z]{2}(-[a-z]+){1,2}-[0-9]", "an AWS region's name"),
        "The region that `millpond env` exports for clients.",
    ),
    Setting(
        "account",
        "ID",
        "000000000000",
        _matching(r"[0-9]{12}", "twelve digits"),
        "The account that owns everything, as ARNs show it.",
    ),
    Setting(
        "log_level",
        "LEVEL",
        "info",
        _matching("debug|info|warning|error", "one of debug, info, warning, error"),
        "The least important message that is logged: debug, info, warning or error.",
    ),
    Setting(
        "sql_memory",
        "SIZE",
        "20%",
        _size,
        "The most memory that one Athena query may use, as a size or a share of the machine's.",
    ),
    Setting(
        "sql_threads",
        "COUNT",
        "all",
        _threads,
        "How many threads one Athena query may use; `all` is one for each core.",
    ),
    Setting(
        "sql_queries",
        "COUNT",
        "4",
        _whole(1, 256),
        "How many Athena queries run at once; more wait in the state QUEUED.",
    ),
    Setting(
        "spark_memory",
        "SIZE",
        "40%",
        _size,
        "The most memory that one EMR cluster's Spark engine may use.",
    ),
    Setting(
        "spark_threads",
        "COUNT",
        "all",
        _threads,
        "How many threads one EMR cluster's Spark engine may use.",
    ),
    Setting(
        "spark_port",
        "PORT",
        "0",
        _whole(0, 65535),
        "The port for PySpark programs that are run in a shell (`SPARK_REMOTE`). 0 takes a free "
        "one. The engine behind it starts with the first program that connects.",
    ),
    Setting(
        "spark_idle_seconds",
        "SECONDS",
        "300",
        _whole(1, 86400),
        "How long the engine behind `spark_port` stays when no program is connected.",
    ),
    Setting(
        "releases",
        "FOLDER",
        "auto",
        lambda text: releases_folder(text, os.environ),
        "The folder of the releases of Apache Spark, about 1 GB each, which are made when they are "
        "first needed. `auto` is `millpond/releases` in the user's cache folder "
        "(`$XDG_CACHE_HOME` or `~/.cache`), so that all data folders share them.",
    ),
    Setting(
        "maven",
        "URL",
        "auto",
        _repository,
        "The Maven repository that jars for those releases are fetched from. `auto` is the mirror "
        "of Maven's central repository that `~/.m2/settings.xml` names, or that repository itself.",
    ),
    Setting(
        "kinesis_limits",
        "aws|none",
        "aws",
        lambda text: _matching("aws|none", "one of aws, none")(text) == "aws",
        "Whether Kinesis shards and calls are throttled as on AWS (1 MB/s and 1,000 records/s in, "
        "2 MB/s and 5 reads/s out) or take what the machine can.",
    ),
    Setting(
        "kinesis_state_seconds",
        "SECONDS",
        "0",
        _seconds,
        "How long a Kinesis stream stays CREATING, UPDATING or DELETING.",
    ),
    Setting(
        "streams_memory",
        "SIZE",
        "20%",
        _size,
        "The most memory that one application of Managed Service for Apache Flink may use.",
    ),
    Setting(
        "streams_applications",
        "COUNT",
        "8",
        _whole(1, 256),
        "How many of those applications run at once; more wait in the state STARTING.",
    ),
    Setting(
        "stop_seconds",
        "SECONDS",
        "5",
        _whole(0, 3600),
        "How long requests and background work may take to end when Millpond is told to stop.",
    ),
)

_OTHER_VARIABLES = frozenset(
    ENVIRONMENT_PREFIX + name for name in ("CONFIG", "ROOT_ACCESS_KEY_ID", "ROOT_SECRET_ACCESS_KEY")
)


def read_settings(
    flags: Mapping[str, str | None], environment: Mapping[str, str], folder: Path
) -> Settings:
    """The settings that hold, from flags by setting name (None: not given) and the rest.

    The file is `$MILLPOND_CONFIG` if that is set, else `millpond.toml` in `folder` if it exists.

    Raises:
        BadSetting: a value cannot be used, or a name is not a setting.
    """
    named = environment.get(f"{ENVIRONMENT_PREFIX}CONFIG")
    path = folder / (named or FILE_NAME)
    in_file = _read_file(path) if named or path.is_file() else {}
    values: dict[str, Any] = {}
    for setting in SETTINGS:
        text, source, base = setting.default, "default", folder
        if setting.name in in_file:
            text, source, base = in_file[setting.name], f"{path}: {setting.name}", path.parent
        if setting.variable in environment:
            text, source, base = environment[setting.variable], setting.variable, folder
        flag = flags.get(setting.name)
        if flag is not None:
            text, source, base = flag, setting.flag, folder
        try:
            values[setting.name] = setting.read(text)
        except ValueError as error:
            raise BadSetting(f"{source}: {text!r} {error}.") from error
        if isinstance(values[setting.name], Path):
            values[setting.name] = (base / values[setting.name]).resolve()
    return Settings(**values)


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """Variables that look like settings and are none: most often a slip of the pen."""
    known = {setting.variable for setting in SETTINGS} | _OTHER_VARIABLES
    return sorted(
        name for name in environment if name.startswith(ENVIRONMENT_PREFIX) and name not in known
    )


def _read_file(path: Path) -> dict[str, str]:
    import tomllib  # noqa: PLC0415 - slow, and few have the file

    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadSetting(f"{path}: cannot be read: {error}.") from error
    except tomllib.TOMLDecodeError as error:
        raise BadSetting(f"{path}: is not valid TOML: {error}.") from error
    known = sorted(setting.name for setting in SETTINGS)
    for name, value in table.items():
        if name not in known:
            raise BadSetting(f"{path}: {name} is not a setting; there are {', '.join(known)}.")
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            raise BadSetting(f"{path}: {name} must be a string or a whole number.")
    return {name: str(value) for name, value in table.items()}


def _cores() -> int:
    """How many cores this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


def machine_memory_bytes() -> int:
    """The memory that this process may use: the machine's, or its control group's if less."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text("ascii").strip()
    except OSError:
        return total
    return min(total, int(limit)) if limit.isdigit() else total
