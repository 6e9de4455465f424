"""Runs a job's script, inside of the job's process: this file is copied there.

The script sees what it would see if Python ran it. How it failed is told in a file: the error and
its text, which an exit code does not say. Standard library only, any Python 3.
"""

import json
import os
import sys
import traceback
import types

MESSAGE_LENGTH_MAX = 2000


def main() -> None:
    folder = os.environ["MILLPOND_GLUE_FOLDER"]
    with open(os.path.join(folder, "launch.json"), encoding="utf-8") as file:  # noqa: PTH118, PTH123
        launch = json.load(file)
    script = launch["script"]
    if launch["has_spark"]:
        import client_context  # type: ignore[import-not-found]  # noqa: PLC0415 - of the engine

        client_context.offer()
    sys.argv[0] = script
    sys.path[:1] = [os.path.dirname(script), *launch["paths"]]  # noqa: PTH120
    module = types.ModuleType("__main__")
    module.__file__ = script
    module.__builtins__ = __builtins__  # type: ignore[attr-defined]
    sys.modules["__main__"] = module
    try:
        with open(script, "rb") as file:  # noqa: PTH123
            code = compile(file.read(), script, "exec")
        exec(code, module.__dict__)  # noqa: S102 - this is what it is for
    except SystemExit as end:
        if end.code not in (None, 0):
            _tell(folder, "SystemExit", str(end.code))
        raise
    except BaseException as error:
        within = error.__traceback__ and error.__traceback__.tb_next
        traceback.print_exception(type(error), error, within)
        _tell(folder, type(error).__name__, str(error))
        sys.stderr.flush()
        sys.exit(1)


def _tell(folder: str, name: str, text: str) -> None:
    first = text.strip().split("\n", 1)[0]
    told = name + ": " + first if first else name
    with open(os.path.join(folder, "failure.json"), "w", encoding="utf-8") as file:  # noqa: PTH118, PTH123
        json.dump({"error": told[:MESSAGE_LENGTH_MAX]}, file)


if __name__ == "__main__":
    main()
