"""Names that a crawler gives, and locations as the catalog writes them."""

import hashlib
import re
from urllib.parse import unquote

from millpond.services.glue.expression.values import NULL
from millpond.services.glue.infer.schema import column_name

NAME_CHARACTERS_MAX = 128

_KEY_VALUE = re.compile(r"([^=]+)=(.*)", re.DOTALL)


def table_name(prefix: str, location: str) -> str:
    """The name of a table at `location`: its last folder or its file, after `prefix`.

    Letters are folded to lower case; what is neither letter nor digit becomes an underscore.
    """
    last = location.rstrip("/").rpartition("/")[2]
    return re.sub(r"[^0-9a-z_]", "_", (prefix + last).lower())[:NAME_CHARACTERS_MAX]


def distinct_name(name: str, location: str) -> str:
    """The name with a suffix that tells its location from others of the same name."""
    digest = hashlib.md5(location.encode(), usedforsecurity=False).hexdigest()
    return f"{name[: NAME_CHARACTERS_MAX - 33]}_{digest}"


def key_value(folder: str) -> tuple[str, str] | None:
    """The parts of a folder named `key=value`, the key in lower case, the value unescaped.

    An empty value is what Hive calls a null one; a key that cannot name a column is none.
    """
    found = _KEY_VALUE.fullmatch(folder)
    if found is None or column_name(found[1]) != found[1].lower():
        return None
    return found[1].lower(), unquote(found[2]) or NULL


def split_path(path: str) -> tuple[str, str]:
    """The bucket and the key or prefix of an `s3://` path."""
    bucket, _, rest = path.removeprefix("s3://").partition("/")
    return bucket, rest


def same_place(one: str | None, other: str) -> bool:
    """Whether two locations are the same folder or file, with or without a final slash."""
    return one is not None and one.rstrip("/") == other.rstrip("/")
