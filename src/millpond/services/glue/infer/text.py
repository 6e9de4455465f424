"""The beginning of a text file, unpacked and decoded.

Text is UTF-8, with or without a byte order mark; anything else is none. The last line of a sample
that does not reach the file's end is left out.
"""

from dataclasses import dataclass

from millpond.services.glue.infer.compression import CannotUnpack, Sample, unpack


@dataclass(frozen=True, slots=True)
class Text:
    """`stored_bytes` are those of the file that the text came from, as they are stored; `whole`
    says that there is no more."""

    text: str
    compression: str
    stored_bytes: int
    whole: bool


def read_text(head: bytes, size_bytes: int) -> Text | None:
    """The text of a file of `size_bytes` that begins with `head`; None: it is no text."""
    try:
        sample = unpack(head, whole=len(head) >= size_bytes)
    except CannotUnpack:
        return None
    text = _decode(sample)
    if text is None:
        return None
    return Text(text, sample.compression, sample.stored_bytes, sample.whole)


def _decode(sample: Sample) -> str | None:
    data = sample.data.removeprefix(b"\xef\xbb\xbf")
    if not sample.whole:
        data = data[: data.rfind(b"\n") + 1] or data
    if b"\x00" in data:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        if sample.whole or error.start < len(data) - 4:
            return None
        return data[: error.start].decode()
