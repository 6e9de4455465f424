"""The process in which a user's Python function runs.

    python -m …function_worker <code> <handler> <name> <memory, MB> <seconds of an invocation>

`code` names a file in the folder `in`: a Python file or a zip. It loads the function, then answers
each event with what the function returned, as the Lambda runtime does. It is confined by whoever
starts it (see `confined`).

Source: AWS Lambda Developer Guide, Python handler, context object and errors.
"""

import importlib
import importlib.util
import json
import sys
import time
import traceback
import types
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from millpond.services.firehose.transform.frames import ANSWER, FAULT, READY, FarEnd

UNZIPPED_SIZE_BYTES_MAX = 250 << 20
"""Lambda's bound on a function and what it brings along."""


class _Refused(Exception):
    """The code cannot be loaded; the text is what Lambda would say."""


class Context:
    """What a handler gets beside the event: Lambda's context object."""

    def __init__(self, name: str, memory_mb: int, request_id: str, ends: float) -> None:
        self.function_name = name
        self.function_version = "$LATEST"
        self.invoked_function_arn = name
        self.memory_limit_in_mb = str(memory_mb)
        self.aws_request_id = request_id
        self.log_group_name = ""
        self.log_stream_name = ""
        self.identity = None
        self.client_context = None
        self._ends = ends

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self._ends - time.monotonic()) * 1000))


def main() -> None:
    code, handler, name, memory_mb, seconds = sys.argv[1:]
    far = FarEnd()
    try:
        function = _load(Path(code), handler)
    except _Refused as error:
        far.say(FAULT, str(error).encode())
        return
    except BaseException as error:  # whatever the user's module does when it is imported
        far.say(FAULT, _told(error))
        return
    far.say(READY)
    for event in far.questions():
        ends = time.monotonic() + float(seconds)
        try:
            answer = _invoke(function, event, name, int(memory_mb), ends)
        except BaseException as error:  # sys.exit() too is an error of the function
            far.say(FAULT, _told(error))
        else:
            far.say(ANSWER, answer)


def _invoke(
    function: Callable[[Any, Any], Any], event: bytes, name: str, memory_mb: int, ends: float
) -> bytes:
    read = json.loads(event)
    context = Context(name, memory_mb, str(read.get("invocationId", "")), ends)
    return json.dumps(function(read, context)).encode()


def _told(error: BaseException) -> bytes:
    """What a failed function answers, as Lambda words it."""
    stack = traceback.format_exception(error)
    sys.stderr.write("".join(stack))
    return f"{type(error).__name__}: {error}"[:4000].encode(errors="replace")


def _load(code: Path, handler: str) -> Callable[[Any, Any], Any]:
    module_name, _, function_name = handler.rpartition(".")
    sys.path.insert(0, str(_unpack(code) if code.suffix == ".zip" else code.parent))
    is_zip = code.suffix == ".zip"
    module = _import(module_name.replace("/", ".")) if is_zip else _import_file(code)
    function = getattr(module, function_name, None)
    if not callable(function):
        raise _Refused(f"Handler '{function_name}' missing on module '{module_name}'")
    return function  # type: ignore[no-any-return]


def _import(name: str) -> types.ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise _Refused(
            f"Runtime.ImportModuleError: Unable to import module '{name}': {error}"
        ) from None


def _import_file(code: Path) -> types.ModuleType:
    spec = importlib.util.spec_from_file_location("lambda_function", code)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["lambda_function"] = module
    spec.loader.exec_module(module)
    return module


def _unpack(code: Path) -> Path:
    """The folder with what a zip holds."""
    target = Path("tmp/code").absolute()
    try:
        with zipfile.ZipFile(code) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > UNZIPPED_SIZE_BYTES_MAX:
                raise _Refused(
                    f"Unzipped size must be smaller than {UNZIPPED_SIZE_BYTES_MAX} bytes"
                )
            archive.extractall(target)
    except (zipfile.BadZipFile, NotImplementedError, EOFError) as error:
        raise _Refused(f"Lambda.InvalidZipFileException: {error}") from None
    return target


if __name__ == "__main__":
    main()
