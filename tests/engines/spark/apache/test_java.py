"""Which Java runs Spark."""

import os
import stat

from millpond.engines.spark.apache.java import find_java, major_of


def java_at(home, text, release=""):
    program = home / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho '{text}' >&2\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    if release:
        (home / "release").write_text(release)
    return home


def test_the_version_is_what_its_release_file_says_or_what_it_answers(tmp_path):
    told = java_at(tmp_path / "told", "no answer", 'JAVA_VERSION="17.0.15"\n')
    asked = java_at(tmp_path / "asked", 'openjdk version "11.0.2" 2019-01-15')
    old = java_at(tmp_path / "old", 'java version "1.8.0_402"')
    assert [major_of(home) for home in (told, asked, old, tmp_path)] == [17, 11, 8, None]


def test_java_home_comes_before_the_path_and_both_must_be_known_to_spark(tmp_path):
    first = java_at(tmp_path / "first", "", 'JAVA_VERSION="21"')
    second = java_at(tmp_path / "second", "", 'JAVA_VERSION="17.0.1"')
    environment = {"JAVA_HOME": str(first), "PATH": str(second / "bin")}
    assert find_java((21, 17), environment) == first
    assert find_java((17, 11), environment) == second
    assert find_java((11,), environment) is None
    assert find_java((17,), {"PATH": os.fspath(tmp_path)}) is None
