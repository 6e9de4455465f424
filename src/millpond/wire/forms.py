"""Query strings and forms: percent-encoded names and values."""

from urllib.parse import unquote_to_bytes

FIELDS_MAX = 10_000


class BadForm(ValueError):
    """Not percent-encoded UTF-8, or too many fields."""


def parse_form(text: str) -> list[tuple[str, str]]:
    """The fields in order; one without `=` has the value `""`.

    Raises:
        BadForm: a field is not UTF-8, or there are more than `FIELDS_MAX`.
    """
    if not text:
        return []
    parts = text.split("&", FIELDS_MAX)
    if len(parts) > FIELDS_MAX:
        raise BadForm("The form has too many fields.")
    fields = []
    for part in parts:
        if part:
            name, _, value = part.partition("=")
            fields.append((_decode(name), _decode(value)))
    return fields


def _decode(text: str) -> str:
    if "%" not in text and "+" not in text:
        return text
    try:
        return unquote_to_bytes(text.replace("+", " ")).decode()
    except UnicodeDecodeError as error:
        raise BadForm("The form is not UTF-8.") from error
