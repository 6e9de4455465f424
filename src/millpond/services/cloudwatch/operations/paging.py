"""Page tokens of one question."""

from millpond.kernel.call import Call
from millpond.kernel.pages import BadToken, Paging
from millpond.services.cloudwatch.errors import InvalidNextToken
from millpond.services.cloudwatch.needs import Needs


def pages_of(needs: Needs, call: Call, *question: object) -> Paging:
    """The pages of one question; `open` raises InvalidNextToken."""
    return Paging(needs.pages, call, question, _refusal)


def _refusal(error: BadToken) -> InvalidNextToken:
    return InvalidNextToken(f"Request parameter NextToken is invalid. {error}")
