"""Jars from a Maven repository: named exactly, checked against what they must be, kept once.

    jars = fetch([Artifact("org.postgresql", "postgresql", "42.7.7", sha256)], folder, repository)

An artifact's bytes are pinned by their SHA-256: a repository can be slow or missing, not wrong.
Artifacts are kept in files (`read_artifacts`) that `tools/pin_artifacts.py` writes.

Which repository: the setting `maven`, else the mirror of Maven's central repository that
`~/.m2/settings.xml` names, else the central repository as Ivy knows it, the client that Apache
Spark brings for `--packages`.

Sources: Maven's repository layout; "Using Mirrors for Repositories" (Maven's guides).
"""

import hashlib
import os
import re
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

CONNECTIONS_MAX = 8
_TRIES = 3
_TIMEOUT_SECONDS = 60.0
_PIECE_BYTES = 1 << 20
_IVY_RESOLVER = "org/apache/ivy/plugins/resolver/IBiblioResolver.class"
_ROOT = re.compile(rb"https://[\x21-\x7e]+/maven2/")


class NotFetched(Exception):
    """An artifact could not be had; the text says which, and why."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file of a Maven repository, and the SHA-256 of its bytes in hexadecimal."""

    group: str
    artifact: str
    version: str
    sha256: str
    classifier: str = ""
    extension: str = "jar"

    @property
    def name(self) -> str:
        """The file's name."""
        ending = f"-{self.classifier}" if self.classifier else ""
        return f"{self.artifact}-{self.version}{ending}.{self.extension}"

    @property
    def path(self) -> str:
        """Where it lies below a repository's root."""
        return f"{self.group.replace('.', '/')}/{self.artifact}/{self.version}/{self.name}"


def read_artifacts(text: str) -> tuple[Artifact, ...]:
    """Artifacts of a list: `group:artifact:version[:classifier[:extension]] sha256` on each line;
    `#` begins a comment."""
    found = []
    for line in text.splitlines():
        words = line.partition("#")[0].split()
        if words:
            group, artifact, version, *more = words[0].split(":")
            found.append(Artifact(group, artifact, version, words[1], *more))
    return tuple(found)


def fetch(artifacts: Sequence[Artifact], folder: Path, repository: str) -> list[Path]:
    """Have all artifacts in `folder`, under their names; their paths, in the same order.

    Those that are there already, with the right bytes, are not fetched. `repository` is a URL.

    Raises:
        NotFetched: one could not be had, or was not what it must be. Others may be there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    root = repository.rstrip("/") + "/"
    with ThreadPoolExecutor(CONNECTIONS_MAX) as pool:
        return list(pool.map(lambda artifact: _fetch_one(artifact, folder, root), artifacts))


def find_repository(setting: str, ivy: Path | None, home: Path) -> str:
    """The URL of the repository to use; `ivy` is Ivy's jar, `home` the user's folder.

    Raises:
        NotFetched: none is known.
    """
    if setting:
        return setting
    mirror = next(_mirrors(home / ".m2" / "settings.xml"), None)
    if mirror:
        return mirror
    if ivy is not None:
        with zipfile.ZipFile(ivy) as jar:
            root = _ROOT.search(jar.read(_IVY_RESOLVER))
        if root:
            return root[0].decode()
    raise NotFetched("No Maven repository is known: set `maven` to its URL.")


def _mirrors(settings: Path) -> Iterator[str]:
    """The mirrors of the central repository that Maven's settings name."""
    try:
        tree = ElementTree.fromstring(settings.read_text("utf-8"))  # noqa: S314 - the user's own
    except (OSError, UnicodeDecodeError, ElementTree.ParseError):
        return
    for mirror in tree.findall("./{*}mirrors/{*}mirror"):
        mirrored = (mirror.findtext("{*}mirrorOf") or "").replace(" ", "").split(",")
        url = (mirror.findtext("{*}url") or "").strip()
        is_central = {"central", "*", "external:*"}.intersection(mirrored)
        if is_central and "!central" not in mirrored and url.startswith("http"):
            yield url


def _fetch_one(artifact: Artifact, folder: Path, root: str) -> Path:
    path = folder / artifact.name
    if path.exists() and _digest(path) == artifact.sha256:
        return path
    part = path.with_name(f".{path.name}.{os.getpid()}")
    trouble = ""
    for _ in range(_TRIES):
        try:
            _copy(root + artifact.path, part)
        except urllib.error.HTTPError as error:
            trouble = f"HTTP status {error.code}"
            if error.code < 500:
                break
        except OSError as error:
            trouble = str(error)
        else:
            found = _digest(part)
            if found == artifact.sha256:
                part.replace(path)
                return path
            trouble = f"its SHA-256 is {found}, and must be {artifact.sha256}"
    part.unlink(missing_ok=True)
    raise NotFetched(f"{root}{artifact.path}: {trouble}")


def _copy(url: str, path: Path) -> None:
    request = urllib.request.Request(url, headers={"User-Agent": "millpond"})  # noqa: S310
    with (
        urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer,  # noqa: S310 - settings
        path.open("wb") as file,
    ):
        while piece := answer.read(_PIECE_BYTES):
            file.write(piece)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
