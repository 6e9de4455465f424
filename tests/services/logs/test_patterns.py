"""Filter patterns: the examples of AWS's user guide, and properties of the language."""

import json
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from millpond.services.logs.patterns import InvalidPattern, compile_pattern

ACCESS = '127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534'
TRAIL = json.dumps(
    {
        "eventType": "UpdateTrail",
        "sourceIPAddress": "111.111.111.111",
        "arrayKey": ["value", "another value"],
        "objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}],
        "SomeObject": None,
        "cluster.name": "c",
        "isTrue": True,
        "isFalse": False,
        "latency": 50.5,
        "errorCode": 400,
        "text": "80",
        "user": {"id": 1, "email": "John.Stiles@example.com"},
    }
)
LOWEST = '{"a": 1}'


def matches(pattern, message):
    return compile_pattern(pattern).matches(message.encode())


@pytest.mark.parametrize(
    ("pattern", "meant", "others"),
    [
        ("", ["", "anything"], []),
        ('" "', ["", "anything"], []),
        ("ERROR", ["[ERROR 400] BAD REQUEST", "ERROR"], ["error", "ERR OR"]),
        ("ERROR ARGUMENTS", ["[ERROR 419] MISSING ARGUMENTS"], ["[ERROR 400] BAD REQUEST"]),
        ("?ERROR ?ARGUMENTS", ["ERROR", "ARGUMENTS"], ["REQUEST"]),
        ("?ERROR ?ARGUMENTS REQUEST", ["REQUEST"], ["ERROR ARGUMENTS"]),
        ('"INTERNAL SERVER ERROR"', ["[500] INTERNAL SERVER ERROR"], ["INTERNAL ERROR SERVER"]),
        ("ERROR -ARGUMENTS", ["ERROR 400"], ["ERROR ARGUMENTS", "400"]),
        ('-"a b"', ["ab"], ["x a b"]),
        (r'"say \"hi\""', ['say "hi"'], ["say hi"]),
        ("%AUTHORIZED%", ["UNAUTHORIZED"], ["authorized"]),
        (r"%^\[ERROR 4\d{2}\]%", ["[ERROR 404] x"], ["x [ERROR 404]", "[ERROR 4044]"]),
        ("%gr[ae]y|colou?r%", ["grey", "color", "colour"], ["gry"]),
        ("ERROR -%4[0-9]+%", ["ERROR 500"], ["ERROR 400"]),
        (r"%10\%%", ["at 10%"], ["at 10"]),
    ],
)
def test_terms_phrases_and_expressions(pattern, meant, others):
    assert all(matches(pattern, message) for message in meant)
    assert not any(matches(pattern, message) for message in others)


@pytest.mark.parametrize(
    "pattern",
    [
        '{ $.eventType = "UpdateTrail" }',
        "{ $.eventType = UpdateTrail }",
        '{ $.eventType = "Update*" }',
        '{ $.eventType = "*da*Tr*l" }',
        '{ $.eventType != "Create*" }',
        "{ $.eventType = %[A-Z]pdate% }",
        "{ $.sourceIPAddress != 123.123.* }",
        '{ $.arrayKey[0] = "value" }',
        '{ $.arrayKey[*] = "another value" }',
        "{ $.objectList[1].id = 2 }",
        "{ $.objectList[*].id > 1 }",
        "{ $.user.* = 1 }",
        "{ $.SomeObject IS NULL }",
        "{ $.SomeOtherObject NOT EXISTS }",
        "{ $.isTrue IS TRUE && $.isFalse IS FALSE }",
        "{ $.latency > 50 && $.latency<=50.5 && $.latency != 5.05e2 }",
        "{ $.errorCode = 400 }",
        "{ $.errorCode = 4* }",
        "{ $.text = 80 && $.text > 79 }",
        "{ $.['cluster.name'] = \"c\" }",
        '{ $["cluster.name"] = c }',
        '{ ($.user.id = 1) && ($.user.email = "*@example.com") || $.x = 1 }',
        "{ $.user.id = 2 && $.x = 1 || $.user.id = 1 }",
        "{($.user.id=2||$.user.id=1)&&(($.latency>1))}",
    ],
)
def test_json_selectors_that_match(pattern):
    assert matches(pattern, TRAIL)
    assert not matches(pattern, "no JSON")
    assert not matches(pattern, '["a list"]')


@pytest.mark.parametrize(
    "pattern",
    [
        '{ $.eventType = "updatetrail" }',
        '{ $.eventType = "Update" }',
        '{ $.nothing != "x" }',
        "{ $.user = 1 }",
        '{ $.user != "x" }',
        "{ $.SomeObject = 1 }",
        '{ $.SomeObject != "x" }',
        "{ $.nothing IS NULL }",
        "{ $.isTrue IS FALSE }",
        "{ $.eventType IS TRUE }",
        "{ $.SomeObject NOT EXISTS }",
        "{ $.arrayKey = value }",
        "{ $.arrayKey[2] = value }",
        '{ $.errorCode = "400" }',
        "{ $.eventType > 3 }",
        "{ $.latency > 50.5 }",
        "{ $.user.id = 2 && ($.x = 1 || $.user.id = 1) }",
    ],
)
def test_json_selectors_that_do_not_match(pattern):
    assert not matches(pattern, TRAIL)


@pytest.mark.parametrize(
    "pattern",
    [
        "[ip, env, user, timestamp, request, status, size]",
        "[ip, env, user, timestamp, request = *.html*, status = 4*, size > 1000]",
        '[ip, env, user, timestamp, request = "GET *", status, size]',
        "[..., status = 404, size]",
        "[ip = %127\\.0\\.0\\.[0-9]+%, ...]",
        "[ip, ..., size >= 1534]",
        "[..., status_code = 4* || status_code = 5*, size != 0 && size < 2000]",
        "[ip != 10.* && ip != 192.168.*, ...]",
        "[]",
        "[...]",
        "[,,,,,status=404,]",
    ],
)
def test_columns_that_match(pattern):
    assert matches(pattern, ACCESS)


@pytest.mark.parametrize(
    "pattern",
    [
        "[ip, env]",
        "[ip, env, user, timestamp, request, status, size, more]",
        "[..., status = 5*, size]",
        "[ip = 10.*, ...]",
        "[..., size > 1534]",
        "[..., size > 1000 && size < 1500]",
    ],
)
def test_columns_that_do_not_match(pattern):
    assert not matches(pattern, ACCESS)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("a.b", "Invalid character(s) in term 'a.b'"),
        ("x -a/b", "Invalid character(s) in term '-a/b'"),
        ("- a", "Invalid character(s) in term '-'"),
        ('"open', "Invalid filter pattern"),
        ("%open", "Invalid filter pattern"),
        ("%(a)%", "Invalid regular expression: (a)"),
        ("%a!%", "Invalid regular expression: a!"),
        ("%é%", "Invalid regular expression: é"),
        ("%%", "Invalid regular expression: "),
        ("%a{1001}%", "Invalid regular expression: a{1001}"),
        ("%a% %b% %c%", "A filter pattern has at most 2 regular expressions."),
        ("{ $.a }", "Invalid filter pattern"),
        ("{ $.a = }", "Invalid filter pattern"),
        ("{ a = 1 }", "Invalid filter pattern"),
        ("{ $ = 1 }", "Invalid filter pattern"),
        ("{ $.a = 1", "Invalid filter pattern"),
        ("{ $.a = 1 } x", "Invalid filter pattern"),
        ("{ ($.a = 1 }", "Invalid filter pattern"),
        ("{ $.a IS }", "Invalid filter pattern"),
        ("{ $.a[x] = 1 }", "Invalid filter pattern"),
        ("{ $.a > b }", "Invalid filter pattern: only numbers can be compared by >"),
        ('{ $.a < "1" }', "Invalid filter pattern: only numbers can be compared by <"),
        ("{ $.a[*].b[*] = 1 }", "Invalid filter pattern: a selector has at most one wildcard."),
        ("{ " + "(" * 400 + " }", "Invalid filter pattern"),
        ("[" + "(" * 900, "Invalid filter pattern"),
        ("[a, b", "Invalid filter pattern"),
        ("[a b]", "Invalid filter pattern"),
        ("[..., a, ...]", "Invalid filter pattern"),
        ("[= 1]", "Invalid filter pattern"),
        ("[a, a]", "Invalid filter pattern: a field has the name of another."),
        ("[a = 1 || b = 2]", "Invalid filter pattern: b stands in the place of a."),
    ],
)
def test_what_cannot_be_read_is_refused(pattern, text):
    with pytest.raises(InvalidPattern) as raised:
        compile_pattern(pattern)
    assert str(raised.value) == text


def test_the_fields_of_a_message_are_told_by_name_or_number():
    def extracted(pattern, message=ACCESS):
        return dict(compile_pattern(pattern).extracted(message.encode()))

    assert extracted("[ip, ..., size]") == {
        "$ip": "127.0.0.1",
        "$2": "Prod",
        "$3": "frank",
        "$4": "10/Oct/2000:13:25:15 -0700",
        "$5": "GET /index.html HTTP/1.0",
        "$6": "404",
        "$size": "1534",
    }
    pattern = '{ $.user.id = 1 && $.objectList[*].id > 0 || $.none = 1 || $.eventType = "x" }'
    assert extracted(pattern, TRAIL) == {
        "$.user.id": "1",
        "$.objectList[*].id": "1",
        "$.eventType": "UpdateTrail",
    }
    assert extracted("ERROR", "ERROR") == {}


@given(st.text(max_size=40), st.binary(max_size=60))
def test_any_text_is_a_pattern_or_refused_and_any_message_is_looked_at(pattern, message):
    try:
        compiled = compile_pattern(pattern)
    except InvalidPattern:
        return
    text = message.decode(errors="replace").encode()
    if compiled.matches(text):
        compiled.extracted(text)


_TOKENS = ["$.a", "$.b[0]", "$", "=", "!=", ">", "1", "x*", '"q"', "%r%", "&&", "||", "(", ")"]
_TOKENS += ["IS", "NULL", "NOT EXISTS", "TRUE", ",", "...", "name", "{", "}", "[", "]"]


@given(st.lists(st.sampled_from(_TOKENS), max_size=14), st.sampled_from(["{%s}", "[%s]", "%s"]))
def test_any_series_of_tokens_is_a_pattern_or_refused(tokens, frame):
    try:
        compiled = compile_pattern(frame % " ".join(tokens))
    except InvalidPattern:
        return
    for message in (b'{"a": 1, "b": ["x", null]}', b"x y 1", b"", b"{"):
        compiled.matches(message)


@given(st.text("ab*", max_size=8), st.text("ab", max_size=12))
@example("ab*ba", "aba")
@example("a*b*b", "ab")
def test_asterisks_stand_for_any_text(glob, text):
    def reference(glob, text):
        if not glob:
            return not text
        if glob[0] == "*":
            return reference(glob[1:], text) or (bool(text) and reference(glob, text[1:]))
        return bool(text) and glob[0] == text[0] and reference(glob[1:], text[1:])

    message = json.dumps({"a": text})
    assert matches(f'{{ $.a = "{glob}" }}', message) is reference(glob, text)
    assert matches(f'{{ $.a != "{glob}" }}', message) is not reference(glob, text)


@given(st.lists(st.text("abc", min_size=1, max_size=3), min_size=1, max_size=5))
def test_an_event_has_every_term(terms):
    pattern = " ".join(terms)
    assert matches(pattern, "-".join(reversed(terms)))
    assert not matches(pattern + " d", "-".join(terms))


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("%" + "a*" * 30 + "b%", "a" * 200_000),
        ('{ $.a = "' + "*a" * 100 + 'b" }', json.dumps({"a": "a" * 200_000})),
        ("[x, ...]", "[ " * 100_000),
        ("[x, ...]", '" [' * 100_000),
    ],
)
def test_hard_patterns_and_messages_take_linear_time(pattern, message):
    compiled = compile_pattern(pattern)
    started = time.process_time()
    compiled.matches(message.encode())
    assert time.process_time() - started < 1.0
