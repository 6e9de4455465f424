"""Tokens of lists, which last 300 seconds."""

import json

from millpond.kernel.call import Call
from millpond.kernel.pages import BadToken
from millpond.services.kinesis.errors import ExpiredNextToken, InvalidArgument
from millpond.services.kinesis.needs import Needs

TOKEN_SECONDS_MAX = 300


def seal_token(needs: Needs, call: Call, *position: str) -> str:
    """A token that continues this operation at `position`.

    Source: Kinesis API reference, ListShards, NextToken.
    """
    return needs.pages.seal(_question(call), json.dumps([needs.clock.now_ms(), *position]))


def open_token(needs: Needs, call: Call, token: str) -> list[str]:
    """The position that `seal_token` was given.

    Raises:
        InvalidArgument: no such token was given out by this operation.
        ExpiredNextToken: it is older than 300 seconds.
    """
    try:
        given_ms, *position = json.loads(needs.pages.open(_question(call), token))
    except BadToken as error:
        raise InvalidArgument(f"The NextToken is not valid. {error}") from None
    if needs.clock.now_ms() - given_ms > TOKEN_SECONDS_MAX * 1000:
        raise ExpiredNextToken(
            f"The NextToken is older than {TOKEN_SECONDS_MAX} seconds and has expired."
        )
    return [str(part) for part in position]


def _question(call: Call) -> str:
    return "\0".join(("kinesis", call.operation, call.account, call.region))
