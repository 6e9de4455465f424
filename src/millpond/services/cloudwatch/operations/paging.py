"""Page tokens of one question."""

from millpond.kernel.call import Call
from millpond.kernel.pages import BadToken
from millpond.services.cloudwatch.errors import InvalidNextToken
from millpond.services.cloudwatch.needs import Needs


class Paging:
    """One question's pages: where this one begins, and the token of the next one."""

    def __init__(self, needs: Needs, call: Call, *question: object) -> None:
        self._pages = needs.pages
        self._question = repr((call.operation, call.account, call.region, *question))

    def open(self, token: str | None) -> str:
        """The position that a token holds; the empty text without one.

        Raises:
            InvalidNextToken: the token is not one of this question.
        """
        if not token:
            return ""
        try:
            return self._pages.open(self._question, token)
        except BadToken as error:
            raise InvalidNextToken(f"Request parameter NextToken is invalid. {error}") from None

    def seal(self, position: str) -> str:
        return self._pages.seal(self._question, position)
