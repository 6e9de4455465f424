"""One page of a listing, and the token that continues it."""

from collections.abc import AsyncIterator, Callable
from typing import TypeVar

from millpond.kernel.pages import BadToken, Pages
from millpond.services.athena.errors import InvalidRequest

_T = TypeVar("_T")


async def page(
    pages: Pages,
    question: str,
    token: str | None,
    size: int,
    scan_after: Callable[[str], AsyncIterator[_T]],
    position_of: Callable[[_T], str],
) -> tuple[list[_T], str | None]:
    """Up to `size` items that `scan_after` gives, and a token where there are more.

    Raises:
        InvalidRequest: the token was not given for this question.
    """
    after = open_token(pages, question, token)
    items: list[_T] = []
    async for item in scan_after(after):
        if len(items) == size:
            return items, pages.seal(question, position_of(items[-1]))
        items.append(item)
    return items, None


def open_token(pages: Pages, question: str, token: str | None) -> str:
    """The position in a token, empty without one.

    Raises:
        InvalidRequest: the token was not given for this question.
    """
    if token is None:
        return ""
    try:
        return pages.open(question, token)
    except BadToken as error:
        raise InvalidRequest("The NextToken is not valid.", "INVALID_NEXT_TOKEN") from error
