"""Action patterns decide as IAM does."""

import fnmatch
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millpond.policy import allows


@pytest.mark.parametrize(
    ("actions", "action"),
    [
        (("*",), "s3:GetObject"),
        (("s3:*",), "s3:GetObject"),
        (("S3:getobject",), "s3:GetObject"),
        (("glue:Get*",), "glue:GetTable"),
        (("glue:Get*", "s3:PutObject"), "s3:PutObject"),
        (("s3:?etObject",), "s3:GetObject"),
        (("*:Get*",), "athena:GetQueryResults"),
    ],
)
def test_a_pattern_covers_what_it_spells(actions: tuple[str, ...], action: str) -> None:
    assert allows(actions, action)


@pytest.mark.parametrize(
    ("actions", "action"),
    [
        ((), "s3:GetObject"),
        (("",), "s3:GetObject"),
        (("s3:Get",), "s3:GetObject"),
        (("s3:*",), "s3tables:GetTable"),
        (("glue:Get*",), "glue:BatchGetPartition"),
        (("s3:?etObject",), "s3:etObject"),
        (("s3:GetObject",), "s3:GetObjectTagging"),
        (("s3.GetObject",), "s3:GetObject"),
        (("s3:[GP]etObject",), "s3:GetObject"),
        (("s3:GetObject",), "s3:GetObject\n"),
    ],
)
def test_a_pattern_covers_nothing_else(actions: tuple[str, ...], action: str) -> None:
    assert not allows(actions, action)


@given(
    st.text(alphabet="abAB:*?", max_size=8),
    st.text(alphabet="abAB:" + string.digits, max_size=8),
)
def test_wildcards_agree_with_the_shell_s(pattern: str, action: str) -> None:
    assert allows((pattern,), action) == fnmatch.fnmatchcase(action.lower(), pattern.lower())
