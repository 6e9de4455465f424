"""Security configurations, and an account's block public access configuration."""

from millpond.kernel.call import Call
from millpond.services.emr import shapes, store
from millpond.services.emr.errors import InvalidRequest
from millpond.services.emr.model.records import PublicAccess, SecurityConfiguration
from millpond.services.emr.model.security import check_security
from millpond.services.emr.needs import Needs
from millpond.services.emr.operations.scope import PAGE_SIZE, open_marker

_NAME_LENGTH_MAX = 256
_SSH_PORT = 22
_LISTING = "ListSecurityConfigurations"


async def create_security_configuration(
    needs: Needs, call: Call, request: shapes.CreateSecurityConfigurationInput
) -> shapes.CreateSecurityConfigurationOutput:
    """Keep a security configuration for clusters to name.

    Raises:
        InvalidRequest: its name is taken, or it asks for what would not take effect.

    Source: EMR API reference, CreateSecurityConfiguration.
    """
    if not 1 <= len(request.name) <= _NAME_LENGTH_MAX:
        raise InvalidRequest(f"The name has 1 to {_NAME_LENGTH_MAX} characters.")
    check_security(request.security_configuration)
    made = SecurityConfiguration(
        name=request.name, text=request.security_configuration, created_ms=needs.clock.now_ms()
    )
    async with needs.records.transaction() as transaction:
        if await store.load_security(transaction, call, made.name) is not None:
            raise InvalidRequest(f"Security configuration with name '{made.name}' already exists.")
        store.save_security(transaction, call, made)
    return shapes.CreateSecurityConfigurationOutput(
        name=made.name, creation_date_time=made.created_ms / 1000
    )


async def describe_security_configuration(
    needs: Needs, call: Call, request: shapes.DescribeSecurityConfigurationInput
) -> shapes.DescribeSecurityConfigurationOutput:
    """A security configuration as it was given.

    Raises:
        InvalidRequest: there is none of that name.

    Source: EMR API reference, DescribeSecurityConfiguration.
    """
    async with needs.records.transaction() as transaction:
        found = await store.load_security(transaction, call, request.name)
    if found is None:
        raise InvalidRequest(f"Security configuration with name '{request.name}' does not exist.")
    return shapes.DescribeSecurityConfigurationOutput(
        name=found.name,
        security_configuration=found.text,
        creation_date_time=found.created_ms / 1000,
    )


async def list_security_configurations(
    needs: Needs, call: Call, request: shapes.ListSecurityConfigurationsInput
) -> shapes.ListSecurityConfigurationsOutput:
    """Security configurations by name, 50 at a time.

    Source: EMR API reference, ListSecurityConfigurations.
    """
    after = open_marker(needs, _LISTING, request.marker)
    found: list[shapes.SecurityConfigurationSummary] = []
    marker = None
    async with needs.records.transaction() as transaction:
        async for one in store.scan_security(transaction, call, after):
            if len(found) == PAGE_SIZE:
                marker = needs.pages.seal(_LISTING, found[-1].name or "")
                break
            found.append(
                shapes.SecurityConfigurationSummary(
                    name=one.name, creation_date_time=one.created_ms / 1000
                )
            )
    return shapes.ListSecurityConfigurationsOutput(security_configurations=found, marker=marker)


async def delete_security_configuration(
    needs: Needs, call: Call, request: shapes.DeleteSecurityConfigurationInput
) -> shapes.DeleteSecurityConfigurationOutput:
    """Forget a security configuration; clusters that were started with it go on.

    Raises:
        InvalidRequest: there is none of that name.

    Source: EMR API reference, DeleteSecurityConfiguration.
    """
    async with needs.records.transaction() as transaction:
        if await store.load_security(transaction, call, request.name) is None:
            raise InvalidRequest(
                f"Security configuration with name '{request.name}' does not exist."
            )
        store.delete_security(transaction, call, request.name)
    return shapes.DeleteSecurityConfigurationOutput()


async def get_block_public_access_configuration(
    needs: Needs, call: Call, request: shapes.GetBlockPublicAccessConfigurationInput
) -> shapes.GetBlockPublicAccessConfigurationOutput:
    """The account's configuration in this region; until one is put, AWS's default.

    Source: EMR API reference, GetBlockPublicAccessConfiguration.
    """
    async with needs.records.transaction() as transaction:
        found = await store.load_public_access(transaction, call)
    if found is None:
        default = shapes.BlockPublicAccessConfiguration(
            block_public_security_group_rules=True,
            permitted_public_security_group_rule_ranges=[
                shapes.PortRange(min_range=_SSH_PORT, max_range=_SSH_PORT)
            ],
        )
        arn = f"arn:aws:iam::{call.account}:root"
        found = PublicAccess(configuration=default, created_ms=0, creator_arn=arn)
    return shapes.GetBlockPublicAccessConfigurationOutput(
        block_public_access_configuration=found.configuration,
        block_public_access_configuration_metadata=shapes.BlockPublicAccessConfigurationMetadata(
            creation_date_time=found.created_ms / 1000, created_by_arn=found.creator_arn
        ),
    )


async def put_block_public_access_configuration(
    needs: Needs, call: Call, request: shapes.PutBlockPublicAccessConfigurationInput
) -> shapes.PutBlockPublicAccessConfigurationOutput:
    """Record the account's configuration in this region: there are no security groups to check.

    Raises:
        InvalidRequest: a range of ports ends before it begins.

    Source: EMR API reference, PutBlockPublicAccessConfiguration.
    """
    given = request.block_public_access_configuration
    for ports in given.permitted_public_security_group_rule_ranges or ():
        if ports.max_range is not None and ports.max_range < ports.min_range:
            raise InvalidRequest(
                f"MaxRange {ports.max_range} must not be less than MinRange {ports.min_range}."
            )
    made = PublicAccess(
        configuration=given, created_ms=needs.clock.now_ms(), creator_arn=call.principal.arn
    )
    async with needs.records.transaction() as transaction:
        store.save_public_access(transaction, call, made)
    return shapes.PutBlockPublicAccessConfigurationOutput()
