"""Arguments of jobs: whose count, and those that Glue itself acts on.

Source: Glue developer guide, "Using job parameters in AWS Glue jobs".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from millpond.engines.spark.interface import SAIL, SPARK_3_5, SPARK_4
from millpond.services.glue.errors import InvalidInput
from millpond.services.glue.jobs import bookmarks
from millpond.services.glue.jobs.capacity import PYTHON_SHELL
from millpond.services.glue.jobs.definitions import command_of
from millpond.services.glue.shapes import JobUpdate

RUNTIME = "--millpond-runtime"
BOOKMARK_OPTION = "--job-bookmark-option"
RUNTIMES = (SAIL, SPARK_3_5, SPARK_4)
_INSTALLER_OPTIONS = frozenset({"--upgrade", "-U", "--no-cache-dir", "--quiet", "-q"})
"""Those that change nothing: modules are installed anew, without a cache of pip's."""
_CONTINUOUS = "--enable-continuous-cloudwatch-log"
_REFUSED = {
    "--class": "it names a class of Scala",
    "--enable-lakeformation-fine-grained-access": "there is no Lake Formation",
    "--customer-executor-env-vars": "use --customer-driver-env-vars",
}


@dataclass(frozen=True, slots=True)
class Settings:
    """What the arguments of a run say to Glue. Locations are in S3 (`s3://bucket/key`)."""

    runtime: str = SAIL
    properties: dict[str, str] = field(default_factory=dict)
    py_files: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    jars: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    bookmark_option: str = bookmarks.DISABLE
    bookmark_from: str | None = None
    bookmark_to: str | None = None
    event_logs: str | None = None
    """Where Apache Spark writes what its history server shows."""
    measures: bool = False
    continuous_group: str | None = None
    """The log group of continuous logging, if it is wanted."""
    continuous_prefix: str | None = None


def merge(definition: JobUpdate, given: Mapping[str, str]) -> dict[str, str]:
    """A run's arguments: the job's, over them the run's, over these what may not be overridden."""
    return {
        **(definition.default_arguments or {}),
        **given,
        **(definition.non_overridable_arguments or {}),
    }


def read_settings(definition: JobUpdate, arguments: Mapping[str, str]) -> Settings:
    """What the merged arguments say to Glue.

    Raises:
        InvalidInput: one is not understood, or asks for what there is not; the text names it.
    """
    if any("\0" in text for pair in arguments.items() for text in pair):
        raise InvalidInput("An argument holds a NUL, which no command line can.")
    is_shell = command_of(definition) == PYTHON_SHELL
    runtime = arguments.get(RUNTIME, SAIL)
    if runtime not in RUNTIMES:
        raise InvalidInput(f"{RUNTIME} is one of {', '.join(RUNTIMES)}.")
    for name, reason in _REFUSED.items():
        if _is_set(arguments, name):
            raise InvalidInput(f"{name} is not supported: {reason}.")
    if arguments.get("--job-language", "python").lower() != "python":
        raise InvalidInput("--job-language is not supported but for python.")
    option = arguments.get(BOOKMARK_OPTION, bookmarks.DISABLE)
    if option not in bookmarks.OPTIONS:
        raise InvalidInput(f"{BOOKMARK_OPTION} is one of {', '.join(bookmarks.OPTIONS)}.")
    _check_installer(arguments)
    jars = _listed(arguments, "--extra-jars")
    if jars and (is_shell or runtime == SAIL):
        raise InvalidInput(
            f"--extra-jars needs Apache Spark: set {RUNTIME} to {SPARK_3_5} or {SPARK_4}."
        )
    _check_formats(arguments, runtime)
    return Settings(
        runtime=runtime,
        properties={} if is_shell else _properties(arguments, runtime),
        py_files=_located(arguments, "--extra-py-files"),
        files=_located(arguments, "--extra-files"),
        jars=_located(arguments, "--extra-jars"),
        modules=_modules(arguments),
        environment=_read_variables(arguments.get("--customer-driver-env-vars", "")),
        bookmark_option=option,
        bookmark_from=arguments.get("--job-bookmark-from") or None,
        bookmark_to=arguments.get("--job-bookmark-to") or None,
        event_logs=_event_logs(arguments) if runtime != SAIL and not is_shell else None,
        measures=_is_on(arguments, "--enable-metrics", bare=True),
        continuous_group=(
            arguments.get("--continuous-log-logGroup") or "/aws-glue/jobs/logs-v2"
            if _is_on(arguments, _CONTINUOUS)
            else None
        ),
        continuous_prefix=arguments.get("--continuous-log-logStreamPrefix") or None,
    )


def words_of(own: Mapping[str, str], arguments: Mapping[str, str]) -> list[str]:
    """The command line of a script. `own` are those that Glue adds; a name without dashes is
    passed as it is."""
    words: list[str] = []
    for name, value in {**arguments, **own}.items():
        words += [name, value]
    return words


def _modules(arguments: Mapping[str, str]) -> tuple[str, ...]:
    """Requirements of pip: by name, or wheels in S3, but no files of this machine."""
    modules = _listed(arguments, "--additional-python-modules")
    for module in modules:
        if module.startswith(("/", ".", "-", "~", "file:")):
            raise InvalidInput(
                f"--additional-python-modules: {module} is neither a package nor a file in S3."
            )
    return modules


def _properties(arguments: Mapping[str, str], runtime: str) -> dict[str, str]:
    properties = {}
    if runtime != SAIL and _is_on(arguments, "--user-jars-first"):
        for side in ("driver", "executor"):
            properties[f"spark.{side}.userClassPathFirst"] = "true"
    return properties | read_conf(arguments.get("--conf", ""))


def _event_logs(arguments: Mapping[str, str]) -> str | None:
    """The folder for Spark's events, if they are wanted; it ends with a slash."""
    if not _is_on(arguments, "--enable-spark-ui", bare=True):
        return None
    (found, *_) = (*_located(arguments, "--spark-event-logs-path"), None)
    return None if found is None else found.rstrip("/") + "/"


def read_conf(text: str) -> dict[str, str]:
    """Spark's properties in `--conf`, which holds several as `a=b --conf c=d`.

    Raises:
        InvalidInput: one has no `=`.
    """
    properties = {}
    for part in re.split(r"(?:^|\s+)--conf[\s=]+", text.strip()):
        if not part.strip():
            continue
        name, equals, value = part.strip().partition("=")
        if not equals or not name.strip():
            raise InvalidInput(f"--conf {part.strip()} is not a property and its value.")
        properties[name.strip()] = _unquoted(value.strip())
    return properties


def _unquoted(value: str) -> str:
    is_quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if is_quoted else value


def _is_set(arguments: Mapping[str, str], name: str) -> bool:
    return bool(arguments.get(name)) and arguments[name].lower() != "false"


def _is_on(arguments: Mapping[str, str], name: str, *, bare: bool = False) -> bool:
    """`bare`: named without a value, it is on."""
    return arguments.get(name, "false").lower() in (("true", "") if bare else ("true",))


def _listed(arguments: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in arguments.get(name, "").split(",") if part.strip())


def _located(arguments: Mapping[str, str], name: str) -> tuple[str, ...]:
    found = _listed(arguments, name)
    for location in found:
        if not re.fullmatch(r"s3[an]?://[^/]+/.+", location):
            raise InvalidInput(f"{name}: {location} is not a location in Amazon S3.")
    return found


def _check_installer(arguments: Mapping[str, str]) -> None:
    words = set(arguments.get("--python-modules-installer-option", "").split())
    if words - _INSTALLER_OPTIONS:
        raise InvalidInput(
            "--python-modules-installer-option is not supported but for "
            f"{', '.join(sorted(_INSTALLER_OPTIONS))}."
        )


def _check_formats(arguments: Mapping[str, str], runtime: str) -> None:
    for name in _listed(arguments, "--datalake-formats"):
        if name not in ("delta", "iceberg"):
            raise InvalidInput(f"--datalake-formats {name} is not supported.")
        if runtime != SAIL:
            raise InvalidInput(
                f"--datalake-formats {name} is not supported on {runtime}: bring its JARs by "
                "--extra-jars."
            )


def _read_variables(text: str) -> dict[str, str]:
    """Glue's own rule: names begin with CUSTOMER_."""
    variables = {}
    for part in re.findall(r'\s*([^=,]+=(?:"[^"]*"|[^,]*))', text):
        name, _, value = part.strip().partition("=")
        if not name.startswith("CUSTOMER_"):
            raise InvalidInput(f"--customer-driver-env-vars: {name} does not begin with CUSTOMER_.")
        variables[name] = value.strip().strip('"')
    return variables
