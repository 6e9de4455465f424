"""URL functions.

Source: trino.io/docs/current/functions/url.html.
"""

from millpond.engines.sql.trino.functions.registry import scalar

scalar("url_extract_protocol", "(varchar) -> varchar", "t_url({0}, 1)")
scalar("url_extract_host", "(varchar) -> varchar", "t_url({0}, 2)")
scalar("url_extract_port", "(varchar) -> bigint", "TRY_CAST(t_url({0}, 3) AS BIGINT)")
scalar("url_extract_path", "(varchar) -> varchar", "p_url_decode(t_url({0}, 4))")
scalar("url_extract_query", "(varchar) -> varchar", "p_url_decode(t_url({0}, 5))")
scalar("url_extract_fragment", "(varchar) -> varchar", "p_url_decode(t_url({0}, 6))")
scalar("url_extract_parameter", "(varchar, varchar) -> varchar",
       "p_url_parameter(t_url({0}, 5), {1})")  # fmt: skip
scalar("url_encode", "(varchar) -> varchar", "p_url_encode({0})")
scalar("url_decode", "(varchar) -> varchar", "p_url_decode_form({0})")
