"""The query language: what is read, and where it is told what is wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millpond.services.logs.insights.compiling.queries import compile_query
from millpond.services.logs.insights.language.commands import parse
from millpond.services.logs.insights.language.malformed import Malformed
from millpond.services.logs.insights.language.regexes import glob_regex
from millpond.services.logs.insights.language.tree import Binary, Field, Fields, Filter, Like


def compiled(text: str):
    return compile_query(text, limit=1, now_ms=0, test="true")


def test_a_query_is_commands_with_pipes_comments_and_line_breaks() -> None:
    commands = parse(
        """# the slow ones
        fields @timestamp, `user-name` as who   # of a user
        | filter latency > 100 and not (status = 200 or path like /^\\/api/)
        """
    )
    fields, test = commands
    assert isinstance(fields, Fields) and isinstance(test, Filter)
    assert [(one.name, one.has_alias) for one in fields.items] == [
        ("@timestamp", False),
        ("who", True),
    ]
    assert isinstance(test.test, Binary) and test.test.operator == "and"


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("requestParameters.user.name", ("requestParameters", "user", "name")),
        ("items.0.id", ("items", 0, "id")),
        ("items[0].id", ("items", 0, "id")),
        ("`detail.request-id`", ("detail", "request-id")),
        ("j.`a.b`.c", ("j", "a.b", "c")),
        ("@message", ("@message",)),
    ],
)
def test_fields_are_paths(text: str, path: tuple[str | int, ...]) -> None:
    (command,) = parse(f"fields {text}")
    assert isinstance(command, Fields)
    value = command.items[0].value
    assert isinstance(value, Field) and value.path == path


def test_operators_bind_as_in_aws() -> None:
    (command,) = parse("filter a + b * 2 ^ 2 = 9 or c = 1 and d = 2")
    assert isinstance(command, Filter) and isinstance(command.test, Binary)
    assert command.test.operator == "or"
    left = command.test.left
    assert isinstance(left, Binary) and left.operator == "="
    assert isinstance(left.left, Binary) and left.left.operator == "+"


def test_a_slash_begins_a_pattern_only_where_one_is_expected() -> None:
    (command,) = parse("filter a / b > 1 and c like /x\\/y|z/")
    assert isinstance(command, Filter) and isinstance(command.test, Binary)
    like = command.test.right
    assert isinstance(like, Like) and like.pattern == "x/y|z"


@pytest.mark.parametrize(
    ("text", "message", "at"),
    [
        ("", "unexpected symbol found <EOF> at line 1 and position 0", (0, 0)),
        ("fildter x", "unexpected symbol found fildter at line 1 and position 0", (0, 7)),
        ("fields a |\n  bad", "unexpected symbol found bad at line 2 and position 2", (13, 16)),
        ("fields a b", "unexpected symbol found b at line 1 and position 9", (9, 10)),
        ("filter a = ", "unexpected symbol found <EOF> at line 1 and position 11", (11, 11)),
        ("filter (a = 1", "unexpected symbol found <EOF> at line 1 and position 13", (13, 13)),
        ("filter a ~ 1", "unexpected symbol found ~ at line 1 and position 9", (9, 10)),
        ("limit 0", "The limit must be between 1 and 100000.", (6, 7)),
        ("fields nope(1)", "The function nope is not known.", (7, 14)),
        ("filter count(*) > 1", "The function count can be used in stats only.", (7, 15)),
        ("stats latency by x", "latency stands in stats outside of a function.", (6, 13)),
        ("fields strlen()", "Invalid arguments for function: strlen takes 1 of them.", (7, 15)),
        ("stats count(*) by bin(5parsecs)", "parsecs is no unit of time.", (22, 30)),
        ("stats pct(x, 101)", "A percentage is a number from 0 to 100.", (13, 16)),
        (
            "stats count(*) as a | stats max(a) as b | stats max(b)",
            "A query can have up to 2 stats commands.",
            (42, 54),
        ),
        (
            'parse @message "a * b *" as x',
            "The pattern has 2 wildcards and 1 names.",
            (15, 29),
        ),
        ("parse @message /x+/", "The regular expression of parse has no named group.", (15, 19)),
        (
            "filter @message like /(/",
            "Invalid regular expression: missing ): (",
            (21, 24),
        ),
        (
            "filter @message like /(?<!a)b/",
            "Regular expressions with look-around are not implemented.",
            (21, 30),
        ),
        (
            "filter @message like /(a)\\1/",
            "Regular expressions with back-references are not implemented.",
            (21, 28),
        ),
        (
            'filter isIpv4InSubnet(a, "10.0.0.0/99")',
            "10.0.0.0/99 is no subnet for isIpv4InSubnet.",
            (25, 38),
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, message: str, at: tuple[int, int]) -> None:
    with pytest.raises(Malformed) as raised:
        compiled(text)
    assert (raised.value.message, (raised.value.start, raised.value.end)) == (message, at)


@pytest.mark.parametrize(
    "name", ["pattern @message", "diff", "unmask x", "anomaly", "filterIndex a = 1", "SOURCE x"]
)
def test_commands_that_are_not_implemented_are_refused_by_name(name: str) -> None:
    command = name.split(maxsplit=1)[0]
    with pytest.raises(Malformed, match=f"The command {command} is not implemented"):
        compiled(f"fields @message | {name}")


@given(st.text(alphabet="fieldsar |@.`'\"()[]*/=,<>x15mbyin#\n\\", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        compiled(text)
    except Malformed as error:
        assert 0 <= error.start <= error.end <= len(text)


def test_nesting_has_a_bound() -> None:
    with pytest.raises(Malformed, match="nested too deeply"):
        compiled("filter " + "(" * 500 + "a" + ")" * 500)


@pytest.mark.parametrize(
    ("glob", "regex"),
    [
        ("user=*, id=*", r"(?s)user=(.*?),\ id=(.*)"),
        ("*:*", r"(?s)^([^:]*):(.*)"),
        ("[*] *x", r"(?s)\[(.*?)\]\ ([^x]*)x"),
    ],
)
def test_globs_become_regular_expressions(glob: str, regex: str) -> None:
    assert glob_regex(glob) == regex


def test_long_chains_are_no_nesting() -> None:
    chain = " or ".join(f"a={number}" for number in range(1100))
    assert compiled(f"filter {chain}").sql.count(" OR ") == 1099
    with pytest.raises(Malformed, match="nested too deeply"):
        compiled(f"fields {'+'.join(['a'] * 1200)}")
