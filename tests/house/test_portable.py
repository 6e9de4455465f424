"""What is committed is the same on every machine."""

import re

from tests.house.documents import committed, name_of

_LOCAL = re.compile(
    rb"(?<![\w.-])/(?:work|root|home/\w+|Users/\w+)/|index-url|extra-index|"
    rb"(?:pypi|pythonhosted|artifactory|jfrog|nexus)\.",
)


def test_no_file_names_a_path_of_one_machine_or_a_registry() -> None:
    found = []
    for path in committed():
        if path == committed("tests/house/test_portable.py")[0]:
            continue
        for number, line in enumerate(path.read_bytes().splitlines(), 1):
            if _LOCAL.search(line):
                found.append(f"{name_of(path)}:{number}: {line.decode(errors='replace')[:100]}")
    assert found == []
