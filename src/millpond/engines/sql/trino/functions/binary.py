"""Binary functions: encodings and digests.

Source: trino.io/docs/current/functions/binary.html.
"""

from millpond.engines.sql.trino.functions.registry import scalar

scalar("to_utf8", "(varchar) -> varbinary", "encode({0})")
scalar("from_utf8", "(varbinary) -> varchar", "p_from_utf8({0}, '\ufffd')")
scalar("from_utf8", "(varbinary, varchar) -> varchar", "p_from_utf8({0}, {1})")
scalar("to_hex", "(varbinary) -> varchar", "hex({0})")
scalar("from_hex", "(varchar) -> varbinary", "unhex({0})")
scalar("to_base64", "(varbinary) -> varchar", "to_base64({0})")
scalar("from_base64", "(varchar) -> varbinary", "from_base64({0})")
scalar("from_base64", "(varbinary) -> varbinary", "from_base64(decode({0}))")
scalar("to_base64url", "(varbinary) -> varchar",
       "replace(replace(to_base64({0}), '+', '-'), '/', '_')")  # fmt: skip
scalar("from_base64url", "(varchar) -> varbinary",
       "from_base64(replace(replace({0}, '-', '+'), '_', '/'))")  # fmt: skip
scalar("to_base32", "(varbinary) -> varchar", "p_to_base32({0})")
scalar("from_base32", "(varchar) -> varbinary", "p_from_base32({0})")
scalar("md5", "(varbinary) -> varbinary", "unhex(md5({0}))")
scalar("sha1", "(varbinary) -> varbinary", "unhex(sha1({0}))")
scalar("sha256", "(varbinary) -> varbinary", "unhex(sha256({0}))")
scalar("sha512", "(varbinary) -> varbinary", "p_sha512({0})")
scalar("crc32", "(varbinary) -> bigint", "p_crc32({0})")
for _digest in ("md5", "sha1", "sha256", "sha512"):
    scalar(f"hmac_{_digest}", "(varbinary, varbinary) -> varbinary",
           f"p_hmac({{0}}, {{1}}, '{_digest}')")  # fmt: skip
scalar("length", "(varbinary) -> bigint", "octet_length({0})")
scalar("concat", "(varbinary, varbinary...) -> varbinary",
       lambda *parts: "(" + " || ".join(part.sql for part in parts) + ")")  # fmt: skip
scalar("substr", "(varbinary, bigint) -> varbinary", "p_subbytes({0}, {1}, 2147483647)")
scalar("substr", "(varbinary, bigint, bigint) -> varbinary", "p_subbytes({0}, {1}, {2})")
scalar("reverse", "(varbinary) -> varbinary", "p_reverse_bytes({0})")
scalar("to_big_endian_64", "(bigint) -> varbinary", "p_to_big_endian({0}, 8)")
scalar("to_big_endian_32", "(integer) -> varbinary", "p_to_big_endian(CAST({0} AS BIGINT), 4)")
scalar("from_big_endian_64", "(varbinary) -> bigint", "p_from_big_endian({0})")
scalar("from_big_endian_32", "(varbinary) -> integer", "CAST(p_from_big_endian({0}) AS INTEGER)")
