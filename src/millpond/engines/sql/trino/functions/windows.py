"""Window functions; every aggregate is one too.

Source: trino.io/docs/current/functions/window.html.
"""

from millpond.engines.sql.trino.functions.registry import window

for _name in ("row_number", "rank", "dense_rank"):
    window(_name, "() -> bigint", f"«{_name}()»")
for _name in ("percent_rank", "cume_dist"):
    window(_name, "() -> double", f"«{_name}()»")
window("ntile", "(bigint) -> bigint", "«ntile({0})»")
window("first_value", "(T) -> T", "«first_value({0}{i})»", nulls=True)
window("last_value", "(T) -> T", "«last_value({0}{i})»", nulls=True)
window("nth_value", "(T, bigint) -> T", "«nth_value({0}, {1}{i})»", nulls=True)
for _name in ("lag", "lead"):
    window(_name, "(T) -> T", f"«{_name}({{0}}{{i}})»", nulls=True)
    window(_name, "(T, bigint) -> T", f"«{_name}({{0}}, {{1}}{{i}})»", nulls=True)
    window(_name, "(T, bigint, T) -> T", f"«{_name}({{0}}, {{1}}, {{2}}{{i}})»", nulls=True)
