"""Whether a database can be entered."""

from dataclasses import asdict

from millpond.services.glue.connections.asking import NoAnswer, ask
from millpond.services.glue.connections.model import Target
from millpond.services.glue.needs import Needs


async def try_target(needs: Needs, target: Target) -> str | None:
    """Why the database cannot be entered; None when it can."""
    try:
        await ask(needs, "millpond.services.glue.connections.trial", asdict(target))
    except NoAnswer as error:
        return str(error)
    return None
