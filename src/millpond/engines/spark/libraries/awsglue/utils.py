"""What scripts ask of a job's command line, by AWS's names.

Source: "Accessing parameters using getResolvedOptions" (AWS Glue developer guide).
"""

from __future__ import annotations

import argparse
import traceback
from collections.abc import Sequence
from typing import Any, NoReturn

from .job import Job

_global_args: dict[str, Any] = {}


class GlueArgumentError(Exception):
    """An argument is missing, or not of the values that it may have."""


class GlueArgumentParser(argparse.ArgumentParser):
    def error(self, msg: str) -> NoReturn:
        raise GlueArgumentError(msg)


def callsite() -> str:
    """Where a script calls the library from."""
    return "".join(traceback.format_list(traceback.extract_stack()[:-2]))


def makeOptions(sc: Any, py_obj: Any) -> Any:
    """Options as they are: there is no other side to pass them to.

    Raises:
        TypeError: they are neither a dictionary nor JSON text.
    """
    if not isinstance(py_obj, (dict, str)):
        raise TypeError(f"Unexpected type {type(py_obj)} in makeOptions")
    return py_obj


def getResolvedOptions(args: Sequence[str], options: Sequence[str]) -> dict[str, Any]:
    """The job's arguments: those named in `options`, which must be there, and Glue's own.

    Raises:
        GlueArgumentError: one is missing.
        RuntimeError: a name is Glue's own, or bookmark options do not go together.
    """
    reserved = [
        Job.continuation_options()[0],
        Job.job_bookmark_options()[0],
        *Job.job_bookmark_range_options(),
        *Job.id_params()[1:],
        Job.encryption_type_options()[0],
    ]
    for name in reserved:
        if name[2:] in options:
            raise RuntimeError(f"Using reserved arguments {name[2:]}")
    parser = GlueArgumentParser()
    for first, *choices in (
        Job.job_bookmark_options(),
        Job.continuation_options(),
        Job.encryption_type_options(),
    ):
        parser.add_argument(first, choices=choices, required=False)
    for name in (*Job.job_bookmark_range_options(), *Job.id_params()[1:]):
        parser.add_argument(name, required=False)
    for name in ("--RedshiftTempDir", "--TempDir"):
        parser.add_argument(name, required=False)
    for name in options:
        if name not in ("RedshiftTempDir", "TempDir"):
            parser.add_argument(f"--{name}", required=True)
    parsed = vars(parser.parse_known_args(list(args[1:]))[0])
    if parsed.get("TempDir") is not None:
        parsed["RedshiftTempDir"] = parsed["TempDir"]
    elif parsed.get("RedshiftTempDir") is not None:
        parsed["TempDir"] = parsed["RedshiftTempDir"]
    _resolve_bookmarks(parsed)
    _global_args.update(parsed)
    return parsed


def _resolve_bookmarks(parsed: dict[str, Any]) -> None:
    older = parsed.pop("continuation_option", None)
    if parsed.get("job_bookmark_option") is None:
        words = Job.job_bookmark_options()
        parsed["job_bookmark_option"] = (
            words[3] if older is None else words[Job.continuation_options().index(older)]
        )
    absent = [
        name
        for name in Job.job_bookmark_range_options()
        if parsed.get(name[2:].replace("-", "_")) is None
    ]
    if parsed["job_bookmark_option"] == "job-bookmark-pause":
        if len(absent) == 1:
            raise RuntimeError(f"Missing option or value for {absent[0]}")
    elif not absent:
        raise RuntimeError(f"Invalid option(s) {' '.join(Job.job_bookmark_range_options())}")
