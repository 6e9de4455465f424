"""Which `aws.endpoint` a table may name: AWS's own, which the run's stands for, or the run's."""

from urllib.parse import urlsplit

from millpond.engines.streams.connectors.interface import World
from millpond.engines.streams.plan import Table


def check_endpoint(table: Table, world: World) -> None:
    """Look whether a table wants to go where this run may not.

    Raises:
        ValueError: it does.
    """
    wanted = table.option("aws.endpoint")
    if wanted is None:
        return
    host = urlsplit(wanted if "//" in wanted else f"//{wanted}").netloc
    own = urlsplit(world.credentials.access.endpoint).netloc
    if host != own and not host.endswith((".amazonaws.com", ".amazonaws.com.cn", ".api.aws")):
        raise ValueError(
            f"'aws.endpoint' = '{wanted}' is not this platform's ({own}), and the application's "
            "credentials are good for that alone"
        )
