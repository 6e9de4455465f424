"""Does a list of action patterns cover an action?"""

import functools
import re


def allows(actions: tuple[str, ...], action: str) -> bool:
    """Whether one of the patterns `actions` (`*`, `s3:*`, `glue:Get*`) covers `action`.

    `*` stands for any characters, `?` for one; upper and lower case are the same. No pattern: no.

    Source: IAM JSON policy elements, Action.
    """
    return any(_compiled(pattern).fullmatch(action) for pattern in actions)


@functools.lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    wildcards = {"*": ".*", "?": "."}
    text = "".join(wildcards.get(character) or re.escape(character) for character in pattern)
    return re.compile(text, re.IGNORECASE | re.DOTALL | re.ASCII)
