"""The parts of programs that need no cluster: patched classes, groups of files, settings."""

import struct
import zipfile
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millpond.engines.spark.apache.kits.java_fields import rename_texts
from millpond.engines.spark.apache.kits.kit import HADOOP, HIVE, kits_of, with_needs
from millpond.engines.spark.apache.kits.settings import HIVE_JAR, write_settings
from millpond.engines.spark.apache.programs.dist_cp.grouping import gather
from millpond.engines.spark.apache.programs.dist_cp.places import Found, NotAPlace, local_path
from millpond.engines.spark.apache.versions import VERSIONS
from millpond.engines.spark.interface import Size

TEXTS = st.lists(st.sampled_from([b"parent", b"parentOffset", b"size", b"parents", b""]))


def class_file(texts):
    """A class file's head, with a long among its texts, which counts twice."""
    pool = [struct.pack(">BH", 1, len(text)) + text for text in texts]
    pool.insert(len(pool) // 2, struct.pack(">Bq", 5, 7))
    count = len(texts) + 2 + 1
    return b"\xca\xfe\xba\xbe" + bytes(4) + struct.pack(">H", count) + b"".join(pool) + b"rest"


@given(TEXTS)
def test_texts_of_a_class_are_renamed_and_nothing_else(texts):
    names = {b"parent": b"root", b"parentOffset": b"offset"}
    renamed = rename_texts(class_file(texts), names)
    assert renamed == class_file([names.get(text, text) for text in texts])
    assert rename_texts(class_file(texts), {}) == class_file(texts)


def test_files_keep_their_paths_or_are_gathered_by_the_groups_of_a_pattern():
    found = [
        Found(f"s3://b/logs/{name}", 1 << 20)
        for name in ("2024/a-01.txt", "2024/a-02.txt", "2024/b-01.txt", "x.csv")
    ]
    plain = list(gather(found, "s3://b/logs/", None, None))
    assert [name for name, _ in plain] == [
        *("2024/a-01.txt", "2024/a-02.txt", "2024/b-01.txt", "x.csv"),
    ]
    assert dict(gather(found, "s3://b/logs", r".*/(\w)-\d+(\.txt)", None)) == {
        "2024/a.txt": found[:2],
        "2024/b.txt": found[2:3],
    }
    assert dict(gather(found, "s3://b/logs", r".*/(\w)-\d+(\.txt)", 1 << 20)) == {
        "2024/a.txt0": found[:1],
        "2024/a.txt1": found[1:2],
        "2024/b.txt0": found[2:3],
    }
    assert list(gather(found[3:], "s3://b/logs/x.csv", None, None)) == [("x.csv", found[3:])]


def test_paths_of_other_file_systems_are_refused():
    assert str(local_path("file:///tmp/a%20b")) == "/tmp/a b"
    with pytest.raises(NotAPlace, match="no HDFS"):
        local_path("hdfs:///tmp/x")
    with pytest.raises(NotAPlace, match="scheme ftp"):
        local_path("ftp://host/x")


def test_hive_brings_hadoop_and_every_kit_is_pinned():
    for version in VERSIONS:
        kits = kits_of(version)
        assert [kit.application for kit in with_needs([HIVE], kits)] == [HADOOP, HIVE]
        assert with_needs(["Spark", "Glue"], kits) == []
        assert all(
            len(one.sha256) == 64 and int(one.sha256, 16)
            for kit in kits.values()
            for one in kit.artifacts
        )


def test_properties_of_the_cluster_are_hadoops_and_hives(tmp_path):
    conf, jars = tmp_path / "conf", tmp_path / "jars"
    for folder in (conf, jars):
        folder.mkdir()
    for number in range(30):
        (jars / f"library-{number}.jar").touch()
    write_settings(
        conf,
        tmp_path / "tmp",
        kits={HADOOP: jars, HIVE: jars},
        base=(),
        defaults={"spark.hadoop.a": "1 < 2", "spark.sql.x": "2", "spark.hadoop.fs.defaultFS": "s"},
        warehouse="file:/w",
        size=Size(3, 2 << 30),
    )

    def site(name):
        found = ElementTree.parse(conf / name).getroot()
        return {one.findtext("name"): one.findtext("value") for one in found}

    hadoop, hive = site("hadoop/core-site.xml"), site("hive/hive-site.xml")
    assert (hadoop["a"], hadoop["fs.defaultFS"]) == ("1 < 2", "s")
    assert hadoop["mapreduce.local.map.tasks.maximum"] == "3"
    assert hive["a"] == "1 < 2"
    assert "x" not in hadoop
    with zipfile.ZipFile(conf / HIVE_JAR) as jar:
        lines = jar.read("META-INF/MANIFEST.MF").split(b"\r\n")
    assert max(map(len, lines)) <= 72
    text = b"".join(line.removeprefix(b" ") if line[:1] == b" " else line for line in lines[1:])
    assert text.count(b".jar") == 30
