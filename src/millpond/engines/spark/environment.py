"""A cluster's own Python environment: thin, made in a moment, changed by nobody else.

It is a virtual environment in the cluster's folder that also sees the packages of the environment
of its runtime (for Sail, the one that Millpond runs in: the engine, Spark's client, pandas, boto3
…), read-only. `pip install` in a bootstrap action goes into the cluster's own. Its `bin` holds the
programs of a cluster's shell.
"""

import os
import sys
import sysconfig
import venv
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from millpond.engines.spark.interface import Access, Installed

GLUE = "Glue"
"""The program of a cluster that runs scripts of Glue."""
PYTHON = Path(sys.executable)
"""The Python whose packages clusters see."""
_RUNTIME = "millpond.engines.spark.runtime"
_LIBRARIES = Path(__file__).resolve().parent / "libraries"
_SOURCES = Path(__file__).resolve().parents[3]
_MODULES = {
    "run-script": f"{_RUNTIME}.script",
    "pip": "pip",
    "pip3": "pip",
    "aws": "awscli",
}
_SUDO = """\
#!/bin/sh
# Runs the command as whoever runs this: there is no other user here.
while :; do
  case "$1" in
    -u|-g|-p) shift 2 ;;
    -*) shift ;;
    *=*) export "$1"; shift ;;
    *) break ;;
  esac
done
exec "$@"
"""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a runtime's environments have in common: the folders of the packages that they see, the
    module that every Python of theirs imports as it starts, and their programs beside those that
    all have: a module each, and what it is told first."""

    packages: tuple[Path, ...]
    hook: str
    programs: Mapping[str, str]


SAIL_KIND = Kind(
    packages=tuple(dict.fromkeys(Path(sysconfig.get_path(n)) for n in ("purelib", "platlib"))),
    hook=f"{_RUNTIME}.hook",
    programs={"spark-submit": f"{_RUNTIME}.submit", "spark-sql": f"{_RUNTIME}.sql"},
)


def find_installed() -> Installed | None:
    """The versions of the engine and of Spark's client; None when one of them is missing."""
    try:
        return Installed(version("pyspark-client"), "Sail", version("pysail"))
    except PackageNotFoundError:
        return None


def make_environment(
    folder: Path, made: Path, before: Sequence[Path] = (), kind: Kind = SAIL_KIND
) -> Path:
    """Make the environment in `folder`; its `bin` folder.

    `made` is a mark, where no process of the cluster can write: with it, nothing is touched.
    Modules in the folders `before` come before those of the platform's environment.
    """
    programs = folder / "bin"
    if made.exists():
        return programs
    venv.EnvBuilder(with_pip=False, symlinks=True, clear=True).create(folder)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    lines = [*map(str, (*before, _SOURCES, *kind.packages)), f"import {kind.hook}"]
    (packages / "millpond-runtime.pth").write_text("\n".join(lines) + "\n", "utf-8")
    for name, module in (*_MODULES.items(), *kind.programs.items()):
        _write_program(programs / name, f'#!/bin/sh\nexec "${{0%/*}}/python3" -m {module} "$@"\n')
    _write_program(programs / "sudo", _SUDO)
    made.touch()
    return programs


def spark_home() -> Path:
    """Where PySpark's client is: it asks for SPARK_HOME when a program is run by `python3 -c`."""
    client = find_spec("pyspark")
    return Path(client.origin).parent if client and client.origin else Path("/usr/lib/spark")


def libraries(programs: Collection[str]) -> tuple[Path, ...]:
    """The folders of modules that come with the programs of a cluster: what scripts of Glue
    import."""
    return (_LIBRARIES,) if GLUE in programs else ()


def access_variables(access: Access | None) -> dict[str, str]:
    """By what processes reach AWS: boto3, the AWS CLI, Sail and S3A all know these."""
    if access is None:
        return {}
    variables = {
        "AWS_ENDPOINT_URL": access.endpoint,
        "AWS_REGION": access.region,
        "AWS_DEFAULT_REGION": access.region,
        "AWS_ACCESS_KEY_ID": access.access_key_id,
        "AWS_SECRET_ACCESS_KEY": access.secret_access_key,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    if access.session_token:
        variables["AWS_SESSION_TOKEN"] = access.session_token
    return variables


def search_path(programs: Path) -> str:
    """PATH for what runs in the environment."""
    return os.pathsep.join((str(programs), "/usr/local/bin", "/usr/bin", "/bin"))


def _write_program(path: Path, text: str) -> None:
    path.write_text(text, "utf-8")
    path.chmod(0o755)
