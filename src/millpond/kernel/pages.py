"""Pagination tokens: opaque to clients, signed so that only our own are taken back."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from millpond.kernel.call import Call

_MAC_SIZE_BYTES = 12


class BadToken(ValueError):
    """Not a token that this source gave out for this question."""


@dataclass(frozen=True, slots=True)
class Pages:
    """Seals and opens tokens. `secret` lasts as long as the data folder does."""

    secret: bytes

    def seal(self, question: str, position: str) -> str:
        """A token that continues `question` (the operation and what it lists) at `position`."""
        payload = json.dumps([question, position]).encode()
        return base64.urlsafe_b64encode(self._mac(payload) + payload).decode().rstrip("=")

    def open(self, question: str, token: str) -> str:
        """The position in a token.

        Raises:
            BadToken: it is damaged, or was given for another question.
        """
        try:
            sealed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except ValueError as error:
            raise BadToken("The token is not valid.") from error
        mac, payload = sealed[:_MAC_SIZE_BYTES], sealed[_MAC_SIZE_BYTES:]
        if not hmac.compare_digest(mac, self._mac(payload)):
            raise BadToken("The token is not valid.")
        asked, position = json.loads(payload)
        if asked != question:
            raise BadToken("The token was given for another request.")
        return str(position)

    def _mac(self, payload: bytes) -> bytes:
        return hmac.digest(self.secret, payload, hashlib.sha256)[:_MAC_SIZE_BYTES]


class Paging:
    """One question's pages: where this one begins, and the token of the next one.

    `question` is what was asked; an empty part of it is as good as a missing one. `refusal` makes
    what a service tells of a token that is not one of this question.
    """

    def __init__(
        self,
        pages: Pages,
        call: Call,
        question: Iterable[object],
        refusal: Callable[[BadToken], Exception],
    ) -> None:
        self._pages, self._refusal = pages, refusal
        asked = (part or None for part in question)
        self._question = repr((call.operation, call.account, call.region, *asked))

    def open(self, token: str | None) -> str:
        """The position that a token holds; the empty text without one.

        Raises:
            what `refusal` gives: the token is not one of this question.
        """
        if not token:
            return ""
        try:
            return self._pages.open(self._question, token)
        except BadToken as error:
            raise self._refusal(error) from None

    def seal(self, position: str) -> str:
        return self._pages.seal(self._question, position)
