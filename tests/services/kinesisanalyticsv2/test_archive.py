"""Archives of code are read with suspicion."""

import io
import stat
import zipfile
from pathlib import Path

import pytest

from millpond.services.kinesisanalyticsv2.errors import CodeValidation
from millpond.services.kinesisanalyticsv2.model import archive as module
from millpond.services.kinesisanalyticsv2.model.archive import Archive


def packed(*files: tuple[str, bytes], mode: int = 0) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as into:
        for name, data in files:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            into.writestr(info, data)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "name",
    ["../a.sql", "/etc/a.sql", "a/../../b.sql", "..\\a.sql", "C:a.sql", "a\nb.sql"],
)
def test_a_name_that_leads_out_is_refused(name: str) -> None:
    with pytest.raises(CodeValidation, match="forbidden name"):
        Archive(packed((name, b"SELECT 1")))


def test_a_link_is_refused() -> None:
    with pytest.raises(CodeValidation, match="link or special file"):
        Archive(packed(("a.sql", b"/etc/passwd"), mode=stat.S_IFLNK | 0o777))


def test_what_is_no_archive_is_refused() -> None:
    with pytest.raises(CodeValidation, match="not a ZIP archive"):
        Archive(b"SELECT 1")


def test_a_file_that_stands_twice_is_refused() -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        data = packed(("a.sql", b"1"), ("a.sql", b"2"))
    with pytest.raises(CodeValidation, match="twice"):
        Archive(data)


@pytest.mark.parametrize("name", ["META-INF/MANIFEST.MF", "org/a/Main.class", "lib/flink.jar"])
def test_a_java_program_is_refused_with_what_it_needs(name: str) -> None:
    with pytest.raises(CodeValidation, match=r"Java program .*needs the Flink engine"):
        Archive(packed((name, b"")))


def test_a_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "UNPACKED_SIZE_BYTES_MAX", 1 << 20)
    with pytest.raises(CodeValidation, match="unpacks to more"):
        Archive(packed(("a.sql", bytes((1 << 20) + 1))))


def test_an_archive_that_holds_more_than_it_says_is_refused(tmp_path: Path) -> None:
    honest = packed(("a.py", bytes(100_000)))
    lying = honest.replace((100_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    unpacked: dict[str, bytes] = {}

    def put(name: str, chunk: bytes) -> None:
        unpacked[name] = unpacked.get(name, b"") + chunk

    with pytest.raises(CodeValidation, match="damaged"):
        Archive(lying).unpack(put)
    assert len(unpacked.get("a.py", b"")) <= 10


@pytest.mark.parametrize(
    "names,named,chosen",
    [
        (["main.sql", "b.sql"], None, "main.sql"),
        (["b.sql", "main.sql"], "b.sql", "b.sql"),
        (["x/only.sql", "f.py"], None, "x/only.sql"),
    ],
)
def test_the_sql_file_is_chosen(names: list[str], named: str | None, chosen: str) -> None:
    assert Archive(packed(*((name, b"") for name in names))).choose_sql(named) == chosen


@pytest.mark.parametrize(
    "names,named,text",
    [
        (["a.sql", "b.sql"], None, "several SQL files"),
        (["main.sql"], "c.sql", r"no file c\.sql"),
        (["main.py"], None, r"Python \(main\.py\) needs the Flink engine"),
        (["readme.txt"], None, "holds no SQL file"),
    ],
)
def test_without_one_sql_file_it_is_refused(names: list[str], named: str | None, text: str) -> None:
    with pytest.raises(CodeValidation, match=text):
        Archive(packed(*((name, b"") for name in names))).choose_sql(named)


def test_the_text_may_begin_with_a_byte_order_mark() -> None:
    archive = Archive(packed(("main.sql", b"\xef\xbb\xbfSELECT 1")))
    assert archive.read_sql("main.sql") == "SELECT 1"
    with pytest.raises(CodeValidation, match="not UTF-8"):
        Archive(packed(("main.sql", b"\xff"))).read_sql("main.sql")
