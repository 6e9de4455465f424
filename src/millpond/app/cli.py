"""The command line: `millpond up`, `millpond env`, `millpond status`.

Modules are imported where they are used, so that each command loads only what it needs.
"""

import argparse
import gc
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from millpond import __version__
from millpond.app.config import (
    SETTINGS,
    BadSetting,
    Setting,
    Settings,
    read_settings,
    unknown_variables,
)
from millpond.app.credentials import BadRootCredentials, KeyPair, load_root
from millpond.app.folder import FolderUnusable, Run, find_run

EXIT_OK, EXIT_FAILED, EXIT_USAGE = 0, 1, 2


class _Fails(Exception):
    """The command cannot do its work; the message is for the terminal."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command: 0 when it did its work, 1 when it could not, 2 when it was misused."""
    options = _parser().parse_args(arguments)
    try:
        flags = {setting.name: getattr(options, setting.name, None) for setting in SETTINGS}
        settings = read_settings(flags, os.environ, Path.cwd())
        commands = {"up": _up, "env": _env, "status": _status}
        return commands[options.command](settings)
    except BadSetting as error:
        print(f"millpond: {error}", file=sys.stderr)
        return EXIT_USAGE
    except (_Fails, BadRootCredentials, FolderUnusable) as error:
        print(f"millpond: {error}", file=sys.stderr)
        return EXIT_FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="millpond", description="The AWS data stack as one program that really runs it."
    )
    parser.add_argument("--version", action="version", version=f"millpond {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    up = commands.add_parser("up", help="serve until Ctrl-C", description="Serve until Ctrl-C.")
    for setting in SETTINGS:
        _add_flag(up, setting)
    env = commands.add_parser(
        "env",
        help='print what makes a shell use the server: eval "$(millpond env)"',
        description="Print export lines for the running server, for a shell's eval.",
    )
    status = commands.add_parser(
        "status", help="show what is running", description="Show what is running."
    )
    for command in (env, status):
        _add_flag(command, next(setting for setting in SETTINGS if setting.name == "data"))
    return parser


def _add_flag(parser: argparse.ArgumentParser, setting: Setting) -> None:
    shown = setting.doc.replace("%", "%%")
    parser.add_argument(
        setting.flag,
        dest=setting.name,
        metavar=setting.metavar,
        help=f"{shown} [{setting.default.replace('%', '%%')}]",
    )


def _up(settings: Settings) -> int:
    gc.disable()
    from millpond.app.lifecycle import NotServing, serve  # noqa: PLC0415

    gc.freeze()  # what was imported stays: looking through it, now or ever, finds nothing
    gc.enable()
    for name in unknown_variables(os.environ):
        print(f"millpond: {name} is not a setting and is ignored.", file=sys.stderr)
    try:
        serve(settings, os.environ, _greet)
    except NotServing as error:
        raise _Fails(str(error)) from error
    return EXIT_OK


def _greet(settings: Settings, run: Run) -> None:
    usual = settings.data == Path.cwd() / ".millpond"
    flag = "" if usual else f" --data {shlex.quote(str(settings.data))}"
    print(f"Millpond {__version__} serves at {run.endpoint}")
    print(f"Data in {settings.data}")
    print(f'Credentials, in another terminal: eval "$(millpond env{flag})"')
    print("Ctrl-C ends it.", flush=True)


def _env(settings: Settings) -> int:
    from millpond.app.shell import export_lines  # noqa: PLC0415

    run, pair = _running(settings)
    _tell(export_lines(run, pair))
    return EXIT_OK


def _status(settings: Settings) -> int:
    from millpond.app.client import CallFailed, Client  # noqa: PLC0415
    from millpond.app.status import describe  # noqa: PLC0415

    run, pair = _running(settings)
    try:
        for line in describe(run, Client(run.endpoint, run.region, pair)):
            _tell(line)
    except CallFailed as error:
        raise _Fails(str(error)) from error
    return EXIT_OK


def _tell(text: str) -> None:
    """Print at once. A reader that wanted no more (`| head -1`) ends the command in silence."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(EXIT_FAILED) from None


def _running(settings: Settings) -> tuple[Run, KeyPair]:
    """The server on the data folder, and the root's key pair that it accepts."""
    if not settings.data.is_dir():
        raise _Fails(
            f"{settings.data} does not exist. Start a server with `millpond up`, "
            "or name its data folder with --data."
        )
    run = find_run(settings.data)
    if run is None:
        raise _Fails(f"No server runs on {settings.data}. Start it with `millpond up`.")
    pair = load_root(settings.data, os.environ)
    if pair is None or pair.access_key_id != run.access_key_id:
        raise _Fails(
            f"The server on {settings.data} was started with the access key {run.access_key_id}. "
            "Set MILLPOND_ROOT_ACCESS_KEY_ID and MILLPOND_ROOT_SECRET_ACCESS_KEY here as there."
        )
    return run, pair
