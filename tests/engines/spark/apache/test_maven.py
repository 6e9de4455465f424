"""Artifacts come from a repository, whole and as they must be."""

import hashlib
import http.server
import threading
import zipfile

import pytest

from millpond.engines.spark.apache.maven import (
    Artifact,
    NotFetched,
    fetch,
    find_repository,
    read_artifacts,
)
from millpond.engines.spark.apache.versions import VERSIONS

BODY = b"a jar"
SHA256 = hashlib.sha256(BODY).hexdigest()
PATH = "/maven/org/example/tool/1.2/tool-1.2.jar"


@pytest.fixture
def repository():
    """A repository with one artifact: its URL, and the paths that were asked for."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200 if self.path == PATH else 404)
            self.end_headers()
            if self.path == PATH:
                self.wfile.write(BODY)

        def log_message(self, *words):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/maven", asked
        server.shutdown()


def tool(sha256=SHA256, version="1.2"):
    return Artifact("org.example", "tool", version, sha256)


def test_an_artifact_is_fetched_once(repository, tmp_path):
    url, asked = repository
    for _ in range(2):
        assert fetch([tool()], tmp_path / "jars", url) == [tmp_path / "jars" / "tool-1.2.jar"]
    assert (tmp_path / "jars" / "tool-1.2.jar").read_bytes() == BODY
    assert asked == [PATH]


def test_bytes_that_are_not_what_they_must_be_are_refused(repository, tmp_path):
    url, _ = repository
    with pytest.raises(NotFetched, match=f"SHA-256 is {SHA256}"):
        fetch([tool("0" * 64)], tmp_path, url)
    assert list(tmp_path.iterdir()) == []


def test_an_artifact_that_changed_on_the_disk_is_fetched_again(repository, tmp_path):
    url, _ = repository
    (tmp_path / "tool-1.2.jar").write_bytes(b"half of")
    fetch([tool()], tmp_path, url)
    assert (tmp_path / "tool-1.2.jar").read_bytes() == BODY


def test_an_artifact_that_is_not_there_is_told_by_its_address(repository, tmp_path):
    url, asked = repository
    with pytest.raises(NotFetched, match=r"tool-9\.jar: HTTP status 404"):
        fetch([tool(version="9")], tmp_path, url)
    assert len(asked) == 1
    with pytest.raises(NotFetched, match="Connection refused"):
        fetch([tool()], tmp_path, "http://127.0.0.1:9/maven")


def test_a_list_names_classifiers_and_extensions():
    listed = read_artifacts("# a comment\n\ng.x:a:1 aa # why\ng:b:2:tests:tar.gz bb\n")
    assert [(one.path, one.sha256) for one in listed] == [
        ("g/x/a/1/a-1.jar", "aa"),
        ("g/b/2/b-2-tests.tar.gz", "bb"),
    ]


def test_each_artifact_of_a_release_is_pinned():
    for version in VERSIONS:
        assert any(one.artifact == "hadoop-aws" for one in version.artifacts)
        assert all(len(one.sha256) == 64 for one in version.artifacts)
        assert not any("bundle" in one.artifact for one in version.artifacts)


MIRROR = """<settings xmlns="http://maven.apache.org/SETTINGS/1.0.0"><mirrors>
<mirror><id>a</id><mirrorOf>snapshots</mirrorOf><url>https://one.example/</url></mirror>
<mirror><id>b</id><mirrorOf>*,!central</mirrorOf><url>https://two.example/</url></mirror>
<mirror><id>c</id><mirrorOf>external:*</mirrorOf><url>https://three.example/maven</url></mirror>
</mirrors></settings>"""


def test_the_repository_is_the_settings_or_mavens_mirror_or_what_ivy_knows(tmp_path):
    ivy = tmp_path / "ivy.jar"
    with zipfile.ZipFile(ivy, "w") as jar:
        name = "org/apache/ivy/plugins/resolver/IBiblioResolver.class"
        jar.writestr(name, b"\x01\x00\x1fhttps://central.example/maven2/\x01\x00\x02no")
    with pytest.raises(NotFetched, match="set `maven`"):
        find_repository("", None, tmp_path)
    assert find_repository("", ivy, tmp_path) == "https://central.example/maven2/"
    (tmp_path / ".m2").mkdir()
    (tmp_path / ".m2" / "settings.xml").write_text(MIRROR)
    assert find_repository("", ivy, tmp_path) == "https://three.example/maven"
    assert find_repository("http://mine.example", ivy, tmp_path) == "http://mine.example"
