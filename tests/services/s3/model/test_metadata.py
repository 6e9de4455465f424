"""Metadata in headers: ASCII as it is, everything else in encoded words."""

from email.header import decode_header, make_header

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millpond.services.s3.errors import (
    InvalidArgument,
    InvalidStorageClass,
    MetadataTooLarge,
    NotImplementedHere,
)
from millpond.services.s3.model.metadata import (
    decode_words,
    encode_words,
    read_metadata,
    read_redirect,
    read_storage_class,
    without_chunked,
)

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=120)


@given(texts.filter(lambda text: "=?" not in text))
def test_any_text_survives_its_header(text: str) -> None:
    header = encode_words(text)
    assert header.isascii() and header.isprintable()
    assert decode_words(header) == text


@given(texts.filter(lambda text: not text.isascii()))
def test_encoded_words_are_those_of_rfc_2047(text: str) -> None:
    header = encode_words(text)
    assert str(make_header(decode_header(header))) == text
    assert all(len(word) <= 75 for word in header.split(" "))


def test_ascii_stays_as_it_is() -> None:
    assert encode_words("plain = text?") == "plain = text?"


@pytest.mark.parametrize(
    ("text", "header"), [("ÄÖ", "=?UTF-8?B?w4TDlg==?="), ("Käse", "=?UTF-8?Q?K=C3=A4se?=")]
)
def test_mostly_ascii_text_is_quoted_and_other_text_is_base64(text: str, header: str) -> None:
    assert encode_words(text) == header


@pytest.mark.parametrize(
    "value", ["=?none", "=?UTF-8?B?***?=", "=?no-charset?B?AA==?=", "=?UTF-8?Q?=C3?="]
)
def test_what_is_no_encoded_word_stays(value: str) -> None:
    assert decode_words(value) == value


def test_a_line_break_in_an_encoded_word_does_not_reach_a_header() -> None:
    stored = decode_words("=?UTF-8?Q?a=0D=0ASet-Cookie:_x?=")
    assert stored == "a\r\nSet-Cookie: x"
    assert "\r" not in encode_words(stored)


def test_metadata_has_two_kibibytes_in_utf_8() -> None:
    assert read_metadata({"Name": "ä" * 1022}) == {"name": "ä" * 1022}
    with pytest.raises(MetadataTooLarge) as refusal:
        read_metadata({"name": "ä" * 1022 + "a"})
    assert refusal.value.members == {"Size": "2049", "MaxSizeAllowed": "2048"}


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("aws-chunked", None),
        ("gzip,aws-chunked", "gzip"),
        ("aws-chunked, gzip", "gzip"),
        ("gzip", "gzip"),
        (None, None),
    ],
)
def test_aws_chunked_is_about_the_upload(sent: str | None, kept: str | None) -> None:
    assert without_chunked(sent) == kept


def test_storage_classes_that_can_be_read_at_once_are_recorded() -> None:
    assert read_storage_class(None) == "STANDARD"
    assert read_storage_class("STANDARD_IA") == "STANDARD_IA"
    with pytest.raises(NotImplementedHere, match="GLACIER"):
        read_storage_class("GLACIER")
    for name in ("EXPRESS_ONEZONE", "OUTPOSTS", "nonsense"):
        with pytest.raises(InvalidStorageClass):
            read_storage_class(name)


def test_a_redirect_is_a_path_or_an_address() -> None:
    assert read_redirect("/there") == "/there"
    assert read_redirect("https://example.org") == "https://example.org"
    with pytest.raises(InvalidArgument):
        read_redirect("there")
