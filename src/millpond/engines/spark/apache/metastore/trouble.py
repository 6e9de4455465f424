"""What the catalog refuses, as Hive says it."""

from types import TracebackType

from botocore.exceptions import BotoCoreError, ClientError
from hive_metastore import ttypes as hive

_REFUSALS = {
    "EntityNotFoundException": hive.NoSuchObjectException,
    "AlreadyExistsException": hive.AlreadyExistsException,
    "InvalidInputException": hive.InvalidObjectException,
    "ConcurrentModificationException": hive.InvalidOperationException,
}


class refusals:
    """Raise what is refused inside as one of Hive's exceptions that the call declares; another one
    would reach the client as an internal error without a text.

    Not a generator: Hive's exceptions cannot be changed, and a generator's would be on their way.
    """

    def __init__(self, *declared: type[Exception]) -> None:
        self._declared = declared

    def __enter__(self) -> None:
        return

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if isinstance(error, ClientError):
            told = error.response.get("Error", {})
            code, text = told.get("Code", ""), told.get("Message", str(error))
            refusal = _REFUSALS.get(code, hive.MetaException)
            if refusal in self._declared:
                raise refusal(text) from error
            raise hive.MetaException(f"{text} ({code})") from error
        if isinstance(error, BotoCoreError):
            raise hive.MetaException(str(error)) from error
