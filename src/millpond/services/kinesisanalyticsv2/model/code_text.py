"""Code as text."""

from millpond.services.kinesisanalyticsv2.errors import CodeValidation


def read_text(data: bytes, name: str) -> str:
    """UTF-8 text, without a byte order mark.

    Raises:
        CodeValidation: it is something else.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CodeValidation(f"{name} is not UTF-8 text.") from error
