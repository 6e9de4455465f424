"""A worker's files are taken without following what it may have put in their place."""

from pathlib import Path

import pytest

from millpond.engines.sql.claim import claim
from millpond.engines.sql.interface import QueryLost


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path, Path]:
    """The worker's folder, the kept one, and a secret beside them."""
    out, kept = tmp_path / "out", tmp_path / "kept"
    out.mkdir()
    kept.mkdir()
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_text("hush")
    return out, kept, secret


def test_plain_files_are_moved(places: tuple[Path, Path, Path]) -> None:
    out, kept, _ = places
    (out / "table" / "k=1").mkdir(parents=True)
    (out / "a").write_text("1")
    (out / "table" / "k=1" / "b").write_text("2")
    paths = claim(out, ["a", "table/k=1/b"], kept)
    assert [path.read_text() for path in paths] == ["1", "2"]
    assert all(path.parent == kept for path in paths)


@pytest.mark.parametrize("name", ["../secret/key", "/etc/passwd", "", "link", "folder/key", "gone"])
def test_what_is_no_plain_file_below_the_folder_is_refused(
    places: tuple[Path, Path, Path], name: str
) -> None:
    out, kept, secret = places
    (out / "link").symlink_to(secret / "key")
    (out / "folder").symlink_to(secret)
    with pytest.raises(QueryLost):
        claim(out, [name], kept)
    assert (secret / "key").read_text() == "hush"
    assert not list(kept.iterdir())
