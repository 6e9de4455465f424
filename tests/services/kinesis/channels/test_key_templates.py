"""Output key templates: the rules, and what keys come of them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millpond.services.kinesis.channels import key_template
from millpond.services.kinesis.channels.channel import Compression

NAMES = key_template.names_of("my-channel", "abc123def456", "my-stream")
TIME_MS = 1_784_557_812_000  # 2026-07-20T14:30:12Z
SUFFIX = "-0123"


def key_of(template: str, compression: Compression = "GZIP") -> str:
    key_template.check(template, compression, NAMES)
    return key_template.expand(template, compression, NAMES, TIME_MS, SUFFIX)


@pytest.mark.parametrize(
    ("template", "key"),
    [
        (
            "!{channel-name}/!{yyyy}/!{MM}/!{dd}/!{HH}/records!{extension}",
            "my-channel/2026/07/20/14/records-0123.gz",
        ),
        (
            "data/stream=!{stream-name}/!{yyyy}-!{MM}-!{dd}/!{HH}!{mm}!{extension:.json}",
            "data/stream=my-stream/2026-07-20/1430-0123.json",
        ),
        ("!{yy}/x!{extension:.json.gz}", "26/x-0123.json.gz"),
        ("only-text!{extension}", "only-text-0123.gz"),
        ("it's(*)!!{yyyy}_.a!{extension}", "it's(*)!2026_.a-0123.gz"),
    ],
)
def test_a_key_is_what_its_template_says_with_a_suffix_before_the_extension(
    template: str, key: str
) -> None:
    assert key_of(template) == key


def test_the_default_template_tells_the_channel_and_the_time_twice() -> None:
    assert key_of(key_template.DEFAULT, "ZSTD") == (
        "kinesis-channel/my-channel/abc123def456/2026/07/20/14/"
        "my-channel-abc123def456-2026-07-20-14-30-0123.zst"
    )


def test_without_compression_no_extension_is_needed_and_the_placeholder_is_empty() -> None:
    assert key_of("!{channel-name}/!{channel-id}", "NONE") == "my-channel/abc123def456-0123"
    assert key_of("!{channel-name}!{extension}", "NONE") == "my-channel-0123"


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("/data/!{channel-name}!{extension}", "forward slash"),
        ("data/../!{channel-name}!{extension}", "traversal"),
        ("data/./!{channel-name}!{extension}", "traversal"),
        ("data//!{channel-name}!{extension}", "consecutive slashes"),
        ("!{channel-name}!{extension}/!{yyyy}", "extension placeholder"),
        ("!{extension}!{extension}", "extension placeholder must appear once"),
        ("x!{extension:json}", "extension placeholder"),
        ("x!{extension:.JSON}", "extension placeholder"),
        ("data/!{partition-id}!{extension}", "!{partition-id} is not a supported variable"),
        ("data/!{channel-name}", "when CompressionType is GZIP"),
        ("data/!{yyyy/x!{extension}", "not closed"),
        ("data/!{channel-name", "extension placeholder"),
        ("{yyyy}!{extension}", "allowed outside"),
        ("a:b!{extension}", "allowed outside"),
        ("x" * 984 + "!{extension}", "more than 986"),
    ],
)
def test_a_template_that_breaks_a_rule_is_refused_with_the_rule(template: str, why: str) -> None:
    with pytest.raises(key_template.BadTemplate, match=re.escape(why)):
        key_template.check(template, "GZIP", NAMES)


def test_an_unclosed_variable_is_refused_without_compression_too() -> None:
    with pytest.raises(key_template.BadTemplate, match="not closed"):
        key_template.check("data/!{channel-name}/!{yyyy", "NONE", NAMES)


@given(st.text(alphabet="ab/.!{}:=x-", max_size=40))
def test_whatever_passes_makes_a_key_of_at_most_1024_allowed_characters(text: str) -> None:
    try:
        key_template.check(text, "NONE", NAMES)
    except key_template.BadTemplate:
        return
    key = key_template.expand(text, "NONE", NAMES, TIME_MS, "-" + "0" * 37)
    assert len(key) <= 1024
    assert re.fullmatch(r"[0-9A-Za-z!\-_'.*()/=]+", key)
    assert not key.startswith("/")
    assert "//" not in key
    assert ".." not in key
