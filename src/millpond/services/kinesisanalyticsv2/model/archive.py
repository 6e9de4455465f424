"""Code that comes as a ZIP archive: what may be in it, and which of its files is the SQL.

An archive is read with suspicion: no name leads out of the folder, nothing is a link, and what it
unpacks to is bounded and counted while it is unpacked.
"""

import io
import lzma
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

from millpond.services.kinesisanalyticsv2.errors import CodeValidation
from millpond.services.kinesisanalyticsv2.model.code_text import read_text

UNPACKED_SIZE_BYTES_MAX = 256 << 20
FILES_MAX = 5_000
_CHUNK_SIZE_BYTES = 1 << 20
_SQL_SIZE_BYTES_MAX = 1 << 20

_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
)

Put = Callable[[str, bytes], None]
"""Appends bytes to a file, by its name below the folder."""


class Archive:
    """A ZIP archive that may be unpacked.

    Raises:
        CodeValidation: it is not one, holds what no archive of SQL and Python holds, or is a
            program that needs the Flink engine.
    """

    def __init__(self, data: bytes) -> None:
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, ValueError, OSError) as error:
            raise CodeValidation(f"The application code is not a ZIP archive: {error}.") from error
        infos = [info for info in self._zip.infolist() if not info.is_dir()]
        if len(infos) > FILES_MAX:
            raise CodeValidation(f"The application code holds more than {FILES_MAX} files.")
        if sum(info.file_size for info in infos) > UNPACKED_SIZE_BYTES_MAX:
            raise CodeValidation(_TOO_LARGE)
        self._infos = {_name(info): info for info in infos}
        if len(self._infos) < len(infos):
            raise CodeValidation("The application code holds a file twice.")
        for name in self._infos:
            if name.upper() == "META-INF/MANIFEST.MF" or name.endswith((".class", ".jar")):
                raise CodeValidation(
                    f"The application code is a Java program ({name}): that needs the Flink "
                    "engine. The embedded engine runs SQL, with functions in Python."
                )

    def choose_sql(self, named: str | None) -> str:
        """The SQL file: the one that is named, else `main.sql`, else the only one that there is.

        Raises:
            CodeValidation: there is none, or there are several.
        """
        if named is not None:
            if named not in self._infos:
                raise CodeValidation(f"The application code holds no file {named}.")
            return named
        if "main.sql" in self._infos:
            return "main.sql"
        found = sorted(name for name in self._infos if name.endswith(".sql"))
        if len(found) == 1:
            return found[0]
        if found:
            raise CodeValidation(
                f"The application code holds several SQL files ({', '.join(found[:5])}) and no "
                "main.sql: name one in the property group kinesis.analytics.flink.run.options, "
                "as sql."
            )
        python = next((name for name in sorted(self._infos) if name.endswith(".py")), None)
        if python is not None:
            raise CodeValidation(
                f"The application code holds no SQL file: a program in Python ({python}) needs "
                "the Flink engine. The embedded engine runs SQL, with functions in Python."
            )
        raise CodeValidation("The application code holds no SQL file.")

    def read_sql(self, name: str) -> str:
        """The text of the SQL file.

        Raises:
            CodeValidation: it is too long, damaged, or not text.
        """
        if self._infos[name].file_size > _SQL_SIZE_BYTES_MAX:
            raise CodeValidation(f"{name} is larger than {_SQL_SIZE_BYTES_MAX} bytes.")
        return read_text(b"".join(self._chunks(name, [_SQL_SIZE_BYTES_MAX])), name)

    def unpack(self, put: Put) -> None:
        """Hand every file to `put`, piece by piece.

        Raises:
            CodeValidation: it is damaged, or larger than it says.
        """
        left = [UNPACKED_SIZE_BYTES_MAX]
        for name in self._infos:
            put(name, b"")
            for chunk in self._chunks(name, left):
                put(name, chunk)

    def _chunks(self, name: str, left: list[int]) -> Iterator[bytes]:
        """The pieces of a file; `left` is how many bytes there may still be, and is lowered."""
        try:
            with self._zip.open(self._infos[name]) as file:
                while chunk := file.read(_CHUNK_SIZE_BYTES):
                    left[0] -= len(chunk)
                    if left[0] < 0:
                        raise CodeValidation(_TOO_LARGE)
                    yield chunk
        except _DAMAGED as error:
            raise CodeValidation(f"{name} in the application code is damaged: {error}.") from error


_TOO_LARGE = f"The application code unpacks to more than {UNPACKED_SIZE_BYTES_MAX >> 20} MiB."


def _name(info: zipfile.ZipInfo) -> str:
    """The name of a file, once it is sure that it is one below the folder."""
    name = info.filename
    path = PurePosixPath(name)
    kind = stat.S_IFMT(info.external_attr >> 16)
    if (
        path.is_absolute()
        or ".." in path.parts
        or not path.parts
        or "\\" in name
        or ":" in name
        or not name.isprintable()
    ):
        raise CodeValidation(f"The application code holds a file with a forbidden name: {name!r}.")
    if kind not in (0, stat.S_IFREG):
        raise CodeValidation(f"{name} in the application code is a link or special file.")
    if info.flag_bits & 1:
        raise CodeValidation(f"{name} in the application code is encrypted.")
    return str(path)
