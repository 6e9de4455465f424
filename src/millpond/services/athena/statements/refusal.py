"""A query string that is not a statement of Athena's language."""


class StatementRefused(Exception):
    """The statement cannot be run; the text is what the query's StateChangeReason says."""


def mismatched(text: str, line: int, column: int, expecting: str = "") -> StatementRefused:
    hint = f". Expecting: {expecting}" if expecting else ""
    return StatementRefused(f"line {line}:{column}: mismatched input '{text}'{hint}")
