"""What Trino's functions mean, said in DuckDB: macros that a session makes before its first query.

`t_fail` raises an error of Trino's: it casts a marked text to a number, because DuckDB's own
`error` cannot stand inside TRY. `errors_of` finds the marks again.
"""

import re

from millpond.engines.sql.trino.types import quote_text

_MARK_START, _MARK_MIDDLE, _MARK_END = "\x01", "\x02", "\x03"
_MARKED = re.compile(f"{_MARK_START}(\\w+){_MARK_MIDDLE}(.*?){_MARK_END}", re.DOTALL)


def marked_error(text: str) -> tuple[str, str] | None:
    """The error name and message that `t_fail` put into DuckDB's error text, or None."""
    found = _MARKED.search(text)
    return None if found is None else (found[1], found[2])


def fail(name: str, message_sql: str) -> str:
    """A VARCHAR expression that raises instead of having a value; NULL where the message is."""
    return f"t_fail({quote_text(name)}, {message_sql})"


_INVALID = "'INVALID_FUNCTION_ARGUMENT'"
_CAST = "'INVALID_CAST_ARGUMENT'"

MACROS = (
    "t_fail(name, message) AS CAST(CAST(chr(1) || name || chr(2) || message || chr(3) AS INTEGER)"
    " AS VARCHAR)",
    # Text to values: Java's white space is trimmed, and what Java would not read is refused.
    "t_trim(x) AS regexp_replace(x, '^[\\x00-\\x20]+|[\\x00-\\x20]+$', '', 'g')",
    "t_is_whole(x) AS regexp_full_match(x, '[\\x00-\\x20]*[+-]?[0-9]+[\\x00-\\x20]*')",
    "t_is_decimal(x) AS regexp_full_match(x,"
    " '[\\x00-\\x20]*[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?[\\x00-\\x20]*')",
    "t_is_float(x) AS regexp_full_match(x,"
    " '[\\x00-\\x20]*[+-]?(NaN|Infinity|([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?)"
    "[\\x00-\\x20]*')",
    "t_is_date(x) AS regexp_full_match(x,"
    " '[\\x00-\\x20]*[+-]?[0-9]{4,}-[0-9]{1,2}-[0-9]{1,2}[\\x00-\\x20]*')",
    "t_is_timestamp(x) AS regexp_full_match(x, '[\\x00-\\x20]*[+-]?[0-9]{4,}-[0-9]{1,2}-[0-9]{1,2}"
    "( [0-9]{1,2}:[0-9]{1,2}(:[0-9]{1,2}(\\.[0-9]{1,12})?)?)?[\\x00-\\x20]*')",
    "t_is_time(x) AS regexp_full_match(x, '[0-9]{1,2}:[0-9]{1,2}(:[0-9]{1,2}(\\.[0-9]{1,12})?)?')",
    "t_full_timestamp(x) AS CASE WHEN regexp_full_match(t_trim(x), '[^:]*:[^:]*')"
    " THEN t_trim(x) || ':00' ELSE t_trim(x) END",
    f"t_check_cast(ok, x, kind) AS CASE WHEN ok THEN x ELSE t_fail({_CAST},"
    " 'Cannot cast ''' || x || ''' to ' || kind) END",
    f"t_check_value(ok, x, kind) AS CASE WHEN ok THEN x ELSE t_fail({_CAST},"
    " 'Value cannot be cast to ' || kind || ': ' || x) END",
    "t_bool(x) AS CASE lower(x) WHEN 't' THEN true WHEN '1' THEN true WHEN 'true' THEN true"
    " WHEN 'f' THEN false WHEN '0' THEN false WHEN 'false' THEN false END",
    # Values to text.
    # Digits of DuckDB's shortest form ('123.45', '1e+16', '1.5e-07') as d.dddE[-]n.
    "t_scientific_join(d, e) AS d[1] || '.' ||"
    " (CASE WHEN rtrim(d[2:], '0') = '' THEN '0' ELSE rtrim(d[2:], '0') END)"
    " || 'E' || CAST(e AS VARCHAR)",
    "t_scientific_of(m, e) AS t_scientific_join(ltrim(replace(m, '.', ''), '0'),"
    " e + (CASE WHEN ltrim(split_part(m, '.', 1), '0') <> ''"
    " THEN length(ltrim(split_part(m, '.', 1), '0')) - 1"
    " ELSE -(length(split_part(m, '.', 2)) - length(ltrim(split_part(m, '.', 2), '0'))) - 1 END))",
    "t_scientific(s) AS (CASE WHEN s[1] = '-' THEN '-' ELSE '' END) ||"
    " t_scientific_of(split_part(ltrim(s, '-'), 'e', 1),"
    " coalesce(TRY_CAST(split_part(s, 'e', 2) AS INTEGER), 0))",
    "t_double_text(x) AS CASE WHEN x IS NULL THEN NULL WHEN isnan(x) THEN 'NaN'"
    " WHEN isinf(x) THEN CASE WHEN x > 0 THEN 'Infinity' ELSE '-Infinity' END"
    " WHEN x = 0 THEN CASE WHEN signbit(x) THEN '-0E0' ELSE '0E0' END"
    " ELSE t_scientific(CAST(x AS VARCHAR)) END",
    # As Java writes it: plain from 0.001 up to 10,000,000, scientific beyond.
    "t_java_double(x) AS CASE WHEN x IS NULL THEN NULL WHEN isnan(x) THEN 'NaN'"
    " WHEN isinf(x) THEN CASE WHEN x > 0 THEN 'Infinity' ELSE '-Infinity' END"
    " WHEN x = 0 THEN CASE WHEN signbit(x) THEN '-0.0' ELSE '0.0' END"
    " WHEN abs(x) >= 0.001 AND abs(x) < 10000000 THEN CAST(x AS VARCHAR)"
    " ELSE t_scientific(CAST(x AS VARCHAR)) END",
    "t_fraction(us, p) AS CASE WHEN p = 0 THEN '' ELSE"
    " '.' || lpad(CAST(us // CAST(pow(10, 6 - p) AS BIGINT) AS VARCHAR), p, '0') END",
    "t_timestamp_text(x, p) AS strftime(x, '%Y-%m-%d %H:%M:%S')"
    " || t_fraction(date_part('microsecond', x) % 1000000, p)",
    "t_time_text(x, p) AS strftime(DATE '2000-01-01' + x, '%H:%M:%S')"
    " || t_fraction(date_part('microsecond', x) % 1000000, p)",
    "t_round_us(x, p) AS make_timestamp(CAST(((epoch_us(x) + CAST(pow(10, 6 - p) AS BIGINT) // 2"
    " - (CASE WHEN epoch_us(x) < 0 AND p < 6 AND"
    " (epoch_us(x) + CAST(pow(10, 6 - p) AS BIGINT) // 2) % CAST(pow(10, 6 - p) AS BIGINT) < 0"
    " THEN CAST(pow(10, 6 - p) AS BIGINT) ELSE 0 END)) // CAST(pow(10, 6 - p) AS BIGINT))"
    " * CAST(pow(10, 6 - p) AS BIGINT) AS BIGINT))",
    "t_days_text(ms) AS (CASE WHEN ms < 0 THEN '-' ELSE '' END) ||"
    " CAST(abs(ms) // 86400000 AS VARCHAR) || ' '"
    " || strftime(make_timestamp(abs(ms) % 86400000 * 1000), '%H:%M:%S.%g')",
    "t_months_text(m) AS (CASE WHEN m < 0 THEN '-' ELSE '' END)"
    " || CAST(abs(m) // 12 AS VARCHAR) || '-' || CAST(abs(m) % 12 AS VARCHAR)",
    "t_hex_text(x) AS rtrim(regexp_replace(lower(hex(x)), '(..)', '\\1 ', 'g'))",
    # Time zones.
    "t_zone(z) AS CASE WHEN z[1] IN ('+', '-') THEN 'GMT' || z ELSE z END",
    "t_zone_name(z) AS CASE WHEN upper(z) IN ('UTC', 'Z', 'GMT', 'ZULU', '+00:00', '-00:00')"
    " THEN 'UTC' ELSE z END",
    "t_local(v) AS CASE WHEN v.z = 'UTC' THEN v.t"
    " ELSE timezone(t_zone(v.z), timezone('UTC', v.t)) END",
    "t_zoned(local, z) AS struct_pack(t := CASE WHEN z = 'UTC' THEN local"
    " ELSE timezone('UTC', timezone(t_zone(z), local)) END, z := z)",
    "t_zoned_text(v, p) AS t_timestamp_text(t_local(v), p) || ' ' || v.z",
    "t_offset_minutes(v) AS date_diff('minute', v.t, t_local(v))",
    "t_offset_text(v) AS (CASE WHEN t_offset_minutes(v) < 0 THEN '-' ELSE '+' END)"
    " || lpad(CAST(abs(t_offset_minutes(v)) // 60 AS VARCHAR), 2, '0') || ':'"
    " || lpad(CAST(abs(t_offset_minutes(v)) % 60 AS VARCHAR), 2, '0')",
    # Decimals: division and averages round half away from zero, as Trino does.
    "t_divide_round(n, d) AS (CASE WHEN (n < 0) = (d < 0) THEN 1 ELSE -1 END)"
    " * ((abs(n) * 2 + abs(d)) // (abs(d) * 2))",
    # Subscripts and elements.
    f"t_index(i, n) AS CASE WHEN i BETWEEN 1 AND n THEN i ELSE CAST(CASE WHEN i = 0 THEN"
    f" t_fail({_INVALID}, 'SQL array indices start at 1') WHEN i < 0 THEN t_fail({_INVALID},"
    f" 'Array subscript is negative: ' || i) ELSE t_fail({_INVALID}, 'Array subscript must be"
    " less than or equal to array length: ' || i || ' > ' || n) END AS BIGINT) END",
    "t_subscript(a, i) AS a[t_index(CAST(i AS BIGINT), len(a))]",
    f"t_element(a, i) AS a[CASE WHEN i = 0 THEN CAST(t_fail({_INVALID},"
    " 'SQL array indices start at 1') AS BIGINT) ELSE CAST(i AS BIGINT) END]",
    f"t_map_value(m, k, shown) AS list_extract(map_extract(m, k), CASE WHEN map_contains(m, k)"
    f" THEN 1 ELSE CAST(t_fail({_INVALID}, 'Key not present in map: ' || shown) AS BIGINT) END)",
    "t_has_null(a) AS list_count(a) < len(a)",
    "t_list_equal(a, b) AS CASE WHEN len(a) <> len(b) THEN false"
    " WHEN t_has_null(a) OR t_has_null(b) THEN CASE WHEN"
    " len(list_filter(range(1, len(a) + 1), lambda i: a[i] <> b[i])) > 0 THEN false END"
    " ELSE a = b END",
    # Arrays.
    "t_any(t) AS CASE WHEN t IS NULL THEN NULL WHEN list_contains(t, true) THEN true"
    " WHEN t_has_null(t) THEN NULL ELSE false END",
    "t_all(t) AS CASE WHEN t IS NULL THEN NULL WHEN list_contains(t, false) THEN false"
    " WHEN t_has_null(t) THEN NULL ELSE true END",
    "t_contains(a, x) AS CASE WHEN a IS NULL OR x IS NULL THEN NULL WHEN list_contains(a, x)"
    " THEN true WHEN t_has_null(a) THEN NULL ELSE false END",
    "t_first_of(a, i) AS list_position(a[1:i], a[i]) = i OR"
    " (a[i] IS NULL AND len(list_filter(a[1:i], lambda e: e IS NULL)) = 1)",
    "t_distinct(a) AS CASE WHEN len(a) < 2 THEN a WHEN len(list_distinct(a)) ="
    " list_count(a) AND len(a) - list_count(a) < 2 THEN a ELSE list_transform(list_filter("
    "range(1, len(a) + 1), lambda i: t_first_of(a, i)), lambda i: a[i]) END",
    "t_holds(a, x) AS CASE WHEN x IS NULL THEN t_has_null(a) ELSE list_contains(a, x) END",
    "t_intersect(a, b) AS t_distinct(list_filter(a, lambda e: t_holds(b, e)))",
    "t_except(a, b) AS t_distinct(list_filter(a, lambda e: NOT t_holds(b, e)))",
    "t_union(a, b) AS CASE WHEN a IS NULL OR b IS NULL THEN NULL"
    " ELSE t_distinct(list_concat(a, b)) END",
    "t_overlap(a, b) AS CASE WHEN a IS NULL OR b IS NULL THEN NULL WHEN list_has_any(a, b)"
    " THEN true WHEN (t_has_null(a) AND len(b) > 0) OR (t_has_null(b) AND len(a) > 0)"
    " THEN NULL ELSE false END",
    "t_list_max(a) AS CASE WHEN t_has_null(a) THEN NULL ELSE list_max(a) END",
    "t_list_min(a) AS CASE WHEN t_has_null(a) THEN NULL ELSE list_min(a) END",
    f"t_slice(a, s, n) AS CASE WHEN a IS NULL OR s IS NULL OR n IS NULL THEN NULL WHEN n < 0 THEN"
    f" a[:CAST(t_fail({_INVALID}, 'length must be greater than or equal to 0') AS BIGINT)]"
    f" WHEN s = 0 THEN a[:CAST(t_fail({_INVALID}, 'SQL array indices start at 1') AS BIGINT)]"
    " WHEN n = 0 OR s > len(a) OR -s > len(a) THEN a[1:0]"
    " WHEN s > 0 THEN a[s:s + n - 1] ELSE a[len(a) + s + 1:len(a) + s + n] END",
    "t_ngrams(a, n) AS CASE WHEN len(a) <= n THEN [a] ELSE list_transform("
    "range(1, CAST(len(a) - n + 2 AS BIGINT)), lambda i: a[i:i + n - 1]) END",
    f"t_step(a, b, s) AS CASE WHEN s = 0 THEN CAST(t_fail({_INVALID}, 'step must not be zero')"
    f" AS BIGINT) WHEN (b > a AND s < 0) OR (b < a AND s > 0) THEN CAST(t_fail({_INVALID},"
    " 'sequence stop value should be greater than or equal to start value if step is greater than"
    " zero otherwise stop should be less than or equal to start') AS BIGINT)"
    f" WHEN (b - a) // s >= 10000 THEN CAST(t_fail({_INVALID}, 'result of sequence function must"
    " not have more than 10000 entries') AS BIGINT) ELSE s END",
    "t_sequence(a, b, s) AS generate_series(a, b, t_step(a, b, s))",
    "t_sequence_of(a, b) AS t_sequence(a, b, CASE WHEN a <= b THEN 1 ELSE -1 END)",
    "t_steps(a, b, ms) AS list_transform(t_sequence(epoch_ms(a), epoch_ms(b), ms),"
    " lambda v: epoch_ms(v))",
    "t_months_between(a, b) AS date_sub('month', a, b)",
    "t_month_steps(a, b, m) AS list_transform(t_sequence(0, t_months_between(a, b) -"
    " (t_months_between(a, b) % m), m), lambda v: a + to_months(CAST(v AS INTEGER)))",
    "t_trim_list(a, n) AS CASE WHEN n > len(a) OR n < 0 THEN"
    f" a[:CAST(t_fail({_INVALID}, 'size must not exceed array cardinality') AS BIGINT)]"
    " ELSE a[1:len(a) - n] END",
    "t_contains_sequence(a, b) AS CASE WHEN a IS NULL OR b IS NULL THEN NULL WHEN len(b) = 0"
    " THEN true WHEN len(b) > len(a) THEN false ELSE len(list_filter("
    "range(1, CAST(len(a) - len(b) + 2 AS BIGINT)), lambda i: a[i:i + len(b) - 1] = b)) > 0 END",
    "t_join(a, d) AS CASE WHEN a IS NULL OR d IS NULL THEN NULL ELSE"
    " coalesce(array_to_string(a, d), '') END",
    # With a separator that is no literal: DuckDB's own function takes none.
    "t_join_texts(a, d) AS CASE WHEN len(a) = 0 THEN '' ELSE"
    " list_reduce(a, lambda x, y: x || d || y) END",
    "t_join_by(a, d) AS CASE WHEN a IS NULL OR d IS NULL THEN NULL ELSE"
    " t_join_texts(list_filter(a, lambda e: e IS NOT NULL), d) END",
    # Maps.
    "t_entries(m) AS list_transform(map_entries(m), lambda e: e)",
    f"t_unique_keys(k) AS CASE WHEN len(list_distinct(k)) = len(k) THEN k ELSE"
    f" k[:CAST(t_fail({_INVALID}, 'Duplicate map keys are not allowed') AS BIGINT)] END",
    f"t_map(k, v) AS CASE WHEN k IS NULL OR v IS NULL THEN NULL WHEN len(k) <> len(v) THEN"
    f" map(k[:CAST(t_fail({_INVALID}, 'Key and value arrays must be the same length') AS BIGINT)],"
    f" v[:0]) WHEN t_has_null(k) THEN map(k[:CAST(t_fail({_INVALID}, 'map key cannot be null')"
    " AS BIGINT)], v[:0]) ELSE map(t_unique_keys(k), v) END",
    "t_last_of(k, i) AS NOT list_contains(k[i + 1:], k[i])",
    "t_map_first(k, v) AS CASE WHEN k IS NULL THEN NULL WHEN len(list_distinct(k)) = len(k)"
    " THEN map(k, v) ELSE map(list_transform(list_filter(range(1, len(k) + 1),"
    " lambda i: list_position(k[1:i], k[i]) = i), lambda i: k[i]),"
    " list_transform(list_filter(range(1, len(k) + 1),"
    " lambda i: list_position(k[1:i], k[i]) = i), lambda i: v[i])) END",
    "t_count_each(a) AS CASE WHEN a IS NULL THEN NULL ELSE map(t_distinct(a),"
    " list_transform(t_distinct(a), lambda d: len(list_filter(a, lambda e: e = d)))) END",
    "t_map_concat(a, b) AS CASE WHEN a IS NULL OR b IS NULL THEN NULL ELSE map_concat(a, b) END",
    "t_multimap(k, v) AS CASE WHEN k IS NULL THEN NULL ELSE map(list_distinct(k),"
    " list_transform(list_distinct(k), lambda d: list_transform(list_filter("
    "range(1, len(k) + 1), lambda i: k[i] = d), lambda i: v[i]))) END",
    "t_map_equal(a, b) AS CASE WHEN a IS NULL OR b IS NULL THEN NULL WHEN cardinality(a) <>"
    " cardinality(b) OR len(list_filter(map_keys(a), lambda k: NOT map_contains(b, k))) > 0"
    " THEN false WHEN len(list_filter(map_keys(a), lambda k:"
    " map_extract_value(a, k) <> map_extract_value(b, k))) > 0 THEN false"
    " WHEN len(list_filter(map_keys(a), lambda k: map_extract_value(a, k) IS NULL OR"
    " map_extract_value(b, k) IS NULL)) > 0 THEN NULL ELSE true END",
    # Strings.
    # DuckDB makes ß a capital; in Trino it has none.
    "t_upper(s) AS CASE WHEN contains(s, 'ß') THEN array_to_string(list_transform("
    "string_split(s, 'ß'), lambda part: upper(part)), 'ß') ELSE upper(s) END",
    "t_substr(s, i) AS CASE WHEN i = 0 OR -i > length(s) THEN '' ELSE substr(s, i) END",
    "t_substr3(s, i, n) AS CASE WHEN i = 0 OR n <= 0 OR -i > length(s) THEN ''"
    " WHEN i < 0 THEN substr(s, length(s) + i + 1, n) ELSE substr(s, i, n) END",
    f"t_pad_size(n) AS CASE WHEN n < 0 THEN CAST(t_fail({_INVALID},"
    " 'Target length must be in the range [0..2147483647]') AS BIGINT) ELSE n END",
    f"t_pad_with(p) AS CASE WHEN p = '' THEN t_fail({_INVALID},"
    " 'Padding string must not be empty') ELSE p END",
    f"t_delimiter(d) AS CASE WHEN d = '' THEN t_fail({_INVALID}, 'The delimiter may not be the"
    " empty string') ELSE d END",
    "t_split(s, d) AS string_split(s, t_delimiter(d))",
    "t_split_at(p, d, n) AS CASE WHEN len(p) <= n THEN p ELSE"
    " list_append(p[1:n - 1], t_join_by(p[n:], d)) END",
    f"t_split_limit(s, d, n) AS t_split_at(t_split(s, d), d, CASE WHEN n <= 0 THEN"
    f" CAST(t_fail({_INVALID}, 'Limit must be positive') AS BIGINT) ELSE n END)",
    f"t_split_part(s, d, i) AS t_split(s, d)[CASE WHEN i <= 0 THEN CAST(t_fail({_INVALID},"
    " 'Index must be greater than zero') AS BIGINT) ELSE i END]",
    "t_strpos_at(p, d, n) AS CASE WHEN len(p) <= n THEN 0 ELSE"
    " length(t_join_by(p[1:n], d)) + 1 END",
    f"t_strpos(s, d, n) AS CASE WHEN n > 0 THEN t_strpos_at(string_split(s, d), d, n)"
    " WHEN n < 0 THEN t_strpos_at(string_split(s, d), d, len(string_split(s, d)) + n)"
    f" ELSE CAST(t_fail({_INVALID}, '''instance'' must not be zero.') AS BIGINT) END",
    f"t_chr(n) AS CASE WHEN n BETWEEN 0 AND 1114111 THEN chr(CAST(n AS INTEGER)) ELSE"
    f" t_fail({_INVALID}, 'Not a valid Unicode code point: ' || n) END",
    f"t_hamming(a, b) AS CASE WHEN length(a) = length(b) THEN hamming(a, b) ELSE"
    f" CAST(t_fail({_INVALID}, 'The input strings to hamming_distance function must have the same"
    " length') AS BIGINT) END",
    "t_pairs(s, e, k) AS CASE WHEN s IS NULL THEN NULL WHEN s = '' THEN []::VARCHAR[] ELSE"
    " string_split(s, e) END",
    f"t_pair(p, k) AS CASE WHEN contains(p, k) THEN p ELSE t_fail({_INVALID},"
    " 'Key-value delimiter must appear exactly once in each entry. Bad input: ''' || p || '''')"
    " END",
    "t_split_to_map(s, e, k) AS t_map(list_transform(t_pairs(s, e, k),"
    " lambda p: split_part(t_pair(p, k), k, 1)), list_transform(t_pairs(s, e, k),"
    " lambda p: p[strpos(p, k) + length(k):]))",
    "t_split_to_multimap(s, e, k) AS t_multimap(list_transform(t_pairs(s, e, k),"
    " lambda p: split_part(t_pair(p, k), k, 1)), list_transform(t_pairs(s, e, k),"
    " lambda p: p[strpos(p, k) + length(k):]))",
    "t_list_histogram(a) AS t_count_each(list_filter(a, lambda e: e IS NOT NULL))",
    # Regular expressions: no match is NULL, not an empty text.
    "t_regexp_extract(s, p, g) AS CASE WHEN regexp_matches(s, p) THEN regexp_extract(s, p, g) END",
    "t_regexp_position(s, p) AS CASE WHEN regexp_matches(s, p) THEN"
    " length(regexp_extract(s, '(?s)^(.*?)(?:' || p || ')', 1)) + 1 ELSE -1 END",
    # Numbers.
    f"t_bucket(x, a, b, n) AS CASE WHEN n <= 0 THEN CAST(t_fail({_INVALID}, 'bucketCount must be"
    f" greater than 0') AS BIGINT) WHEN a = b THEN CAST(t_fail({_INVALID}, 'bounds cannot equal"
    " each other') AS BIGINT) WHEN a < b THEN CASE WHEN x < a THEN 0 WHEN x >= b THEN n + 1 ELSE"
    " CAST(floor(n * (x - a) / (b - a)) AS BIGINT) + 1 END ELSE CASE WHEN x > a THEN 0 WHEN"
    " x <= b THEN n + 1 ELSE CAST(floor(n * (a - x) / (a - b)) AS BIGINT) + 1 END END",
    "t_bin(x, bins) AS len(list_filter(bins, lambda b: b <= x))",
    f"t_radix(r) AS CASE WHEN r BETWEEN 2 AND 36 THEN r ELSE CAST(t_fail({_INVALID}, 'Radix must"
    " be between 2 and 36') AS BIGINT) END",
    "t_random_below(n) AS CAST(floor(random() * n) AS BIGINT)",
    "t_shift_right(x, n) AS CASE WHEN n >= 64 THEN 0 WHEN n = 0 THEN x"
    " ELSE ((x >> 1) & 9223372036854775807) >> (n - 1) END",
    # JSON.
    f"t_json(x) AS CASE WHEN x IS NULL OR json_valid(x) THEN x ELSE t_fail({_INVALID},"
    " 'Cannot convert value to JSON: ''' || x || '''') END",
    "t_json_or_null(x) AS CASE WHEN json_valid(x) THEN x END",
    "t_json_scalar_text(j) AS CASE json_type(j) WHEN 'NULL' THEN NULL"
    f" WHEN 'ARRAY' THEN t_fail({_CAST}, 'Cannot cast to varchar. Unexpected token when cast to"
    f" varchar: [') WHEN 'OBJECT' THEN t_fail({_CAST}, 'Cannot cast to varchar. Unexpected token"
    " when cast to varchar: {') ELSE json_extract_string(j, '$') END",
    f"t_json_number_text(j, kind) AS CASE json_type(j) WHEN 'NULL' THEN NULL WHEN 'BOOLEAN' THEN"
    f" CASE WHEN j = 'true' THEN '1' ELSE '0' END WHEN 'ARRAY' THEN t_fail({_CAST}, 'Cannot cast"
    f" to ' || kind || '. Unexpected token when cast to ' || kind || ': [') WHEN 'OBJECT' THEN"
    f" t_fail({_CAST}, 'Cannot cast to ' || kind || '. Unexpected token when cast to ' || kind"
    " || ': {') ELSE json_extract_string(j, '$') END",
    f"t_json_list(j) AS CASE WHEN j IS NULL OR json_type(j) = 'NULL' THEN NULL WHEN"
    f" json_type(j) = 'ARRAY' THEN json_extract(j, '$[*]') ELSE CAST([t_fail({_CAST},"
    " 'Cannot cast to array. Expected a json array, but got ' || j)] AS JSON[]) END",
    f"t_json_object(j, kind) AS CASE json_type(j) WHEN 'NULL' THEN NULL WHEN 'OBJECT' THEN j ELSE"
    f" t_fail({_CAST}, 'Cannot cast to ' || kind || '. Expected a json object, but got ' || j)"
    " END",
    "t_json_scalar(j) AS CASE WHEN json_type(j) IN ('ARRAY', 'OBJECT', 'NULL') THEN NULL"
    " ELSE json_extract_string(j, '$') END",
    "t_json_found(j) AS CAST(j AS VARCHAR)",
    "t_json_all(l) AS CASE WHEN l IS NULL THEN NULL ELSE '[' ||"
    " coalesce(array_to_string(list_transform(l, lambda e: CAST(e AS VARCHAR)), ','), '') || ']'"
    " END",
    "t_json_size(j) AS CASE WHEN j IS NULL THEN NULL WHEN json_type(j) = 'ARRAY' THEN"
    " CAST(json_array_length(j) AS BIGINT) WHEN json_type(j) = 'OBJECT' THEN"
    " CAST(len(json_keys(j)) AS BIGINT) ELSE 0 END",
    # Events' text: of a JSON value and its text without quotes; they are the same but for strings.
    "t_json_shown(j, s) AS CASE WHEN s IN ('true', 'false') AND j = s"
    " THEN CASE s WHEN 'true' THEN '1' ELSE '0' END ELSE s END",
    "t_finite(x) AS CASE WHEN isfinite(x) THEN x END",
    # URLs.
    "t_url(u, part) AS CASE WHEN"
    " regexp_matches(u, '^[A-Za-z][A-Za-z0-9+.-]*:[^\\s<>\"{}|\\\\^`]*$') OR"
    " regexp_matches(u, '^[^\\s<>\"{}|\\\\^`:]*$')"
    " THEN regexp_extract(u,"
    " '^(?:([^:/?#]+):)?(?://(?:[^/?#@]*@)?(\\[[^\\]]*\\]|[^/?#:]*)(?::([0-9]*))?)?"
    "([^?#]*)(?:\\?([^#]*))?(?:#(.*))?$', part) END",
    # Time.
    "t_epoch_timestamp(s) AS make_timestamp(CAST(round(s * 1000) AS BIGINT) * 1000)",
    f"t_parsed(v, s) AS CASE WHEN v IS NULL AND s IS NOT NULL THEN"
    f" CAST(t_fail({_INVALID}, 'Invalid format: \"' || s || '\"') AS TIMESTAMP) ELSE v END",
)


def create_statements() -> list[str]:
    """The statements that make all macros, in an order in which each finds what it uses."""
    return [f"CREATE TEMP MACRO {definition}" for definition in MACROS]
