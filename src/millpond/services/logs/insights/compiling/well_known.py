"""Fields that AWS finds in events of its own services, though they are no JSON.

A field is a text's word or group, where the event is one of that service's.

Source: CloudWatch Logs user guide, "Supported logs and discovered fields".
"""

from collections.abc import Mapping

from millpond.services.logs.insights.compiling.values import quoted

_FLOW = r"^\d+ \S+ eni-\S+( \S+){11}$"
_FLOW_FIELDS = (
    "version", "accountId", "interfaceId", "srcAddr", "dstAddr", "srcPort", "dstPort", "protocol",
    "packets", "bytes", "start", "end", "action", "logStatus",
)  # fmt: skip
_QUERY = r"^\d+\.\d+ \d{4}-\d\d-\d\dT[\d:.]+Z Z\S+( \S+){7}$"
_QUERY_FIELDS = (
    "version", "queryTimestamp", "hostZoneId", "queryName", "queryType", "responseCode",
    "protocol", "edgeLocation", "resolverIp", "ednsClientSubnet",
)  # fmt: skip
_REPORT = {
    "@requestId": r"(?:RequestId: |^\S+Z\s+)([0-9a-f]{8}-[0-9a-f-]{27})",
    "@duration": r"^REPORT .*?\tDuration: ([\d.]+) ms",
    "@billedDuration": r"^REPORT .*?Billed Duration: ([\d.]+) ms",
    "@initDuration": r"^REPORT .*?Init Duration: ([\d.]+) ms",
    "@memorySize": r"^REPORT .*?Memory Size: (\d+) MB",
    "@maxMemoryUsed": r"^REPORT .*?Max Memory Used: (\d+) MB",
    "@xrayTraceId": r"^REPORT .*?XRAY TraceId: (\S+)",
    "@xraySegmentId": r"^REPORT .*?SegmentId: (\S+)",
    "@type": r"^(START|END|REPORT) RequestId: ",
}
_MEGABYTES = ("@memorySize", "@maxMemoryUsed")


def _words(pattern: str, fields: tuple[str, ...]) -> dict[str, str]:
    return {
        name: f"CASE WHEN regexp_like({{m}}, {quoted(pattern)})"
        f" THEN split_part({{m}}, ' ', {place}) END"
        for place, name in enumerate(fields, 1)
    }


def _report(name: str, pattern: str) -> str:
    found = f'"$group"({{m}}, {quoted(pattern)}, 1)'
    return f"CAST(CAST({found} AS bigint) * 1000000 AS varchar)" if name in _MEGABYTES else found


def _lists() -> dict[str, str]:
    fields = {name: _report(name, pattern) for name, pattern in _REPORT.items()}
    flow, query = _words(_FLOW, _FLOW_FIELDS), _words(_QUERY, _QUERY_FIELDS)
    for name in (*flow, *query):
        both = [one[name] for one in (flow, query) if name in one]
        fields[name] = both[0] if len(both) == 1 else f"coalesce({', '.join(both)})"
    return fields


_FIELDS: Mapping[str, str] = _lists()


def well_known(name: str, message: str) -> str | None:
    """The SQL of such a field of `message`; None: there is none of that name."""
    found = _FIELDS.get(name)
    return None if found is None else found.replace("{m}", message)
