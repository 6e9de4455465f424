"""The sample queries of AWS's documentation, over events made up for them."""

import pytest

LAMBDA = [
    "START RequestId: 8f507cfc-1111-4aaa-8bbb-c0ffee000001 Version: $LATEST",
    "2026-11-21T10:00:00.000Z 8f507cfc-1111-4aaa-8bbb-c0ffee000001 INFO hello",
    "END RequestId: 8f507cfc-1111-4aaa-8bbb-c0ffee000001",
    "REPORT RequestId: 8f507cfc-1111-4aaa-8bbb-c0ffee000001\tDuration: 163.25 ms\t"
    "Billed Duration: 200 ms\tMemory Size: 128 MB\tMax Memory Used: 64 MB\t"
    "Init Duration: 92.5 ms\t",
    "REPORT RequestId: 8f507cfc-1111-4aaa-8bbb-c0ffee000002\tDuration: 3000.75 ms\t"
    "Billed Duration: 3001 ms\tMemory Size: 128 MB\tMax Memory Used: 70 MB\t",
]
FLOW = [
    f"2 123456789010 eni-1235b8ca12345678{n} {source} 172.31.16.2{n} 20641 {port} {protocol} 20"
    f" {size} 1418530010 1418530070 {action} OK"
    for n, (source, port, protocol, size, action) in enumerate(
        [
            ("172.31.16.139", 22, 6, 4249, "ACCEPT"),
            ("172.31.16.139", 443, 6, 751, "ACCEPT"),
            ("203.0.113.12", 3389, 6, 100, "REJECT"),
            ("203.0.113.13", 53, 17, 900, "REJECT"),
        ]
    )
] + ["2 123456789010 eni-1 - - - - - - - 1431280876 1431280934 - NODATA"]
TRAIL = [
    {
        "eventSource": "ec2.amazonaws.com",
        "eventName": "StopInstances",
        "awsRegion": "us-east-1",
        "userIdentity": {"type": "IAMUser", "userName": "ann"},
        "requestParameters": {"instancesSet": {"items": [{"instanceId": "i-abcde123"}]}},
    },
    {
        "eventSource": "ec2.amazonaws.com",
        "eventName": "RunInstances",
        "awsRegion": "eu-west-1",
        "userIdentity": {"type": "IAMUser", "userName": "bob"},
        "requestParameters": {"instancesSet": {"items": []}},
    },
    {
        "eventSource": "iam.amazonaws.com",
        "eventName": "CreateUser",
        "awsRegion": "us-east-1",
        "userIdentity": {"type": "Root", "userName": "root"},
        "requestParameters": {"userName": "new"},
        "errorCode": "AccessDenied",
    },
]
ROUTE_53 = [
    f"1.0 2026-11-21T08:16:02.130Z Z123412341234 {name} {kind} {code} UDP FRA6 {address} -"
    for name, kind, code, address in (
        ("example.com", "A", "NOERROR", "192.168.1.1"),
        ("example.com", "AAAA", "NOERROR", "192.168.3.1"),
        ("txt.example.com", "TXT", "NXDOMAIN", "192.168.1.2"),
    )
]
NGINX = [
    '10.0.0.1 - ann [21/Nov/2026:10:00:00 +0000] "GET /a HTTP/1.1" 200 512 "-" "curl"',
    '10.0.0.2 - - [21/Nov/2026:10:00:01 +0000] "POST /b HTTP/1.1" 500 13 "-" "curl"',
    '10.0.0.1 - - [21/Nov/2026:10:00:02 +0000] "GET /b HTTP/1.1" 404 20 "-" "Mozilla/5.0"',
]


@pytest.fixture(scope="module")
def groups(asked):
    kinds = {"lambda": LAMBDA, "flow": FLOW, "trail": TRAIL, "route53": ROUTE_53, "nginx": NGINX}
    return {name: asked.group(*events) for name, events in kinds.items()}


SAMPLES = [
    (
        "lambda",
        'filter @type = "REPORT" | fields @requestId, @billedDuration | sort @billedDuration desc',
        [
            {"@requestId": "8f507cfc-1111-4aaa-8bbb-c0ffee000002", "@billedDuration": "3001"},
            {"@requestId": "8f507cfc-1111-4aaa-8bbb-c0ffee000001", "@billedDuration": "200"},
        ],
    ),
    (
        "lambda",
        """filter @type = "REPORT"
        | stats max(@memorySize / 1000 / 1000) as provisonedMemoryMB,
            min(@maxMemoryUsed / 1000 / 1000) as smallestMemoryRequestMB,
            avg(@maxMemoryUsed / 1000 / 1000) as avgMemoryUsedMB,
            max(@maxMemoryUsed / 1000 / 1000) as maxMemoryUsedMB,
            provisonedMemoryMB - maxMemoryUsedMB as overProvisionedMB""",
        [
            {
                "provisonedMemoryMB": "128",
                "smallestMemoryRequestMB": "64",
                "avgMemoryUsedMB": "67",
                "maxMemoryUsedMB": "70",
                "overProvisionedMB": "58",
            }
        ],
    ),
    (
        "lambda",
        'filter @type = "REPORT" and @duration > 1000 | stats count(*) as slow, avg(@duration),'
        " max(@initDuration) as init",
        [{"slow": "1", "avg(@duration)": "3000.75"}],
    ),
    (
        "flow",
        "stats sum(bytes) as bytesTransferred by srcAddr, dstAddr"
        " | sort bytesTransferred desc | limit 2",
        [
            {"srcAddr": "172.31.16.139", "dstAddr": "172.31.16.20", "bytesTransferred": "4249"},
            {"srcAddr": "203.0.113.13", "dstAddr": "172.31.16.23", "bytesTransferred": "900"},
        ],
    ),
    (
        "flow",
        'filter action = "REJECT" | stats count(*) as numRejections by srcAddr'
        " | sort srcAddr asc | limit 20",
        [
            {"srcAddr": "203.0.113.12", "numRejections": "1"},
            {"srcAddr": "203.0.113.13", "numRejections": "1"},
        ],
    ),
    (
        "flow",
        "filter isIpv4InSubnet(srcAddr, '172.31.0.0/16') and protocol = 6"
        " | stats sum(bytes) as b, count_distinct(dstPort) as ports by srcAddr",
        [{"srcAddr": "172.31.16.139", "b": "5000", "ports": "2"}],
    ),
    (
        "flow",
        "filter logStatus = 'NODATA' | stats count(*) as c by interfaceId as interface",
        [{"interface": "eni-1", "c": "1"}],
    ),
    (
        "trail",
        "stats count(*) as n by eventSource, eventName, awsRegion | sort eventName asc | limit 1",
        [
            {
                "eventSource": "iam.amazonaws.com",
                "eventName": "CreateUser",
                "awsRegion": "us-east-1",
                "n": "1",
            }
        ],
    ),
    (
        "trail",
        'filter (eventName="StartInstances" or eventName="StopInstances") and awsRegion="us-east-1"'
        " | fields requestParameters.instancesSet.items.0.instanceId as id, userIdentity.userName",
        [{"id": "i-abcde123", "userIdentity.userName": "ann"}],
    ),
    (
        "trail",
        "filter ispresent(errorCode) | stats count(*) as errors by errorCode, userIdentity.type",
        [{"errorCode": "AccessDenied", "userIdentity.type": "Root", "errors": "1"}],
    ),
    (
        "route53",
        "stats count(*) as n by queryType | sort queryType asc",
        [
            {"queryType": "A", "n": "1"},
            {"queryType": "AAAA", "n": "1"},
            {"queryType": "TXT", "n": "1"},
        ],
    ),
    (
        "route53",
        "stats count(*) as numRequests by resolverIp | sort numRequests desc, resolverIp desc"
        " | limit 1",
        [{"resolverIp": "192.168.3.1", "numRequests": "1"}],
    ),
    (
        "nginx",
        "parse @message '* - * [*] \"* * *\" * * *' as host, who, at, method, path,"
        " version, status, size, rest | filter status >= 400"
        " | stats count(*) as n, sum(size) as bytes by path",
        [{"path": "/b", "n": "2", "bytes": "33"}],
    ),
    (
        "nginx",
        'parse @message /(?<host>\\S+) .*"(?<method>[A-Z]+) (?<path>\\S+)/'
        " | stats count(*) as hits, latest(path) as newest by host | sort hits desc",
        [
            {"host": "10.0.0.1", "hits": "2", "newest": "/b"},
            {"host": "10.0.0.2", "hits": "1", "newest": "/b"},
        ],
    ),
    (
        "trail",
        "fields jsonParse(@message) as j | filter j.eventName = 'StopInstances'"
        " | unnest j.requestParameters.instancesSet.items into item"
        " | display item.instanceId, jsonStringify(item) as text",
        [{"item.instanceId": "i-abcde123", "text": '{"instanceId":"i-abcde123"}'}],
    ),
    (
        "trail",
        "stats count(*) as n by awsRegion | stats max(n) as most, sum(n) as every",
        [{"most": "2", "every": "3"}],
    ),
    (
        "trail",
        "filter eventName = 'nothing' | stats count(*) as n",
        [],
    ),
]


@pytest.mark.parametrize(("group", "text", "rows"), SAMPLES)
def test_samples_answer_what_they_should(asked, groups, group, text, rows) -> None:
    assert asked.rows(text, groups[group]) == rows


FUNCTIONS = {
    "abs(0 - 2.5)": "2.5",
    "ceil(1.2)": "2",
    "floor(-1.2)": "-2",
    "greatest(1, 3, 2)": "3",
    "least(4, 3)": "3",
    "log(1)": "0",
    "log(0)": None,
    "sqrt(9)": "3",
    "2 ^ 3": "8",
    "10 % 3": "1",
    "7 / 2": "3.5",
    "1 / 3": "0.3333",
    "1 / 0": None,
    "1 + 2 * 3": "7",
    "-(2 + 3)": "-5",
    "'x' + 1": None,
    "'3' + 1": "4",
    "isempty('')": "1",
    "isblank(' ')": "1",
    "isempty(missing)": "1",
    "concat('a', 1, missing, 'b')": "a1b",
    "ltrim('  a ')": "a ",
    "rtrim(' a  ')": " a",
    "trim(' a ')": "a",
    "trim('xxaxx', 'x')": "a",
    "strlen('Zoë')": "3",
    "toupper('zoë')": "ZOË",
    "tolower('ABC')": "abc",
    "substr('xyZfooxyZ', 3)": "fooxyZ",
    "substr('xyZfooxyZ', 3, 3)": "foo",
    "replace('foo.bar', '.', '')": "foobar",
    "strcontains('foobar', 'oba')": "1",
    "strcontains('foobar', 'x')": "0",
    "coalesce(missing, 'b')": "b",
    "coalesce(missing, missing)": None,
    "if(1 = 1, 'y', 'n')": "y",
    "case(1 > 2, 'a', 2 > 1, 'b', 'c')": "b",
    "isValidIp('::1')": "1",
    "isValidIpv4('10.0.0.256')": "0",
    "isValidIpv6('2001:db8::1')": "1",
    "isIpInSubnet('10.1.2.3', '10.0.0.0/8')": "1",
    "isIpv6InSubnet('2001:db8::1', '2001:db8::/32')": "1",
    "isIpv4InSubnet('nonsense', '10.0.0.0/8')": "0",
    "fromMillis(1720000000123)": "2024-07-03 09:46:40.123",
    "toMillis(fromMillis(1720000000123))": "1720000000123",
    "datefloor(fromMillis(1720000000123), 1h)": "2024-07-03 09:00:00.000",
    "dateceil(fromMillis(1720000000123), 1h)": "2024-07-03 10:00:00.000",
    "datefloor(fromMillis(1720000000123), 1mo)": "2024-07-01 00:00:00.000",
    "dateceil(fromMillis(1720000000123), 1q)": "2024-10-01 00:00:00.000",
    "datefloor(fromMillis(1720000000123), 1w)": "2024-07-01 00:00:00.000",
    "concat(fromMillis(1720000000123), '!')": "2024-07-03 09:46:40.123!",
    'jsonParse(\'{"a": [1, {"b": 2}]}\').a[1].b': "2",
    "jsonStringify(jsonParse('[1, 2]'))": "[1,2]",
    "'abc' like /B/": "0",
    "'abc' like /(?i)B/": "1",
    "'abc' =~ 'bc'": "1",
    "2 in [1, 2]": "1",
    "'a' not in ['b']": "1",
    "missing != 1": "1",
    "true": "1",
}


def test_functions_are_worth_what_aws_says(asked) -> None:
    group = asked.group("one event")
    texts = list(FUNCTIONS)
    for start in range(0, len(texts), 25):
        asked_for = texts[start : start + 25]
        items = ", ".join(f"{text} as v{n}" for n, text in enumerate(asked_for))
        (row,) = asked.rows(f"fields {items}", group)
        found = {text: row.get(f"v{n}") for n, text in enumerate(asked_for)}
        assert found == {text: FUNCTIONS[text] for text in asked_for}
