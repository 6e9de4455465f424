"""The process in which jq programs run: `python -m …jq_worker <query>`.

It compiles the query once, then answers each question, a JSON array of records, with an array of
as many results: `[values]` of what the query yields for the record (two at most: one is right, two
are too many), or `{"e": text}` for its error. A program that keeps it busy, fills its memory or
ends it is the concern of whoever asks (see `confined` and `metadata`).
"""

import sys

import jq

from millpond.services.firehose.transform.frames import ANSWER, FAULT, READY, FarEnd


def main() -> None:
    query = sys.argv[1]
    far = FarEnd()
    try:
        jq.compile(query)
        program = jq.compile(
            f".[] | try [limit(2; (\n{query}\n))] catch {{e: (tostring | .[:500])}} | tojson"
        )
    except ValueError as error:
        far.say(FAULT, str(error).encode())
        return
    far.say(READY)
    for question in far.questions():
        try:
            results = program.input_text(question.decode()).all()
        except (ValueError, UnicodeDecodeError) as error:
            far.say(FAULT, str(error)[:2000].encode(errors="replace"))
        else:
            text = "[" + ",".join(results) + "]"
            far.say(ANSWER, text.encode(errors="replace"))


if __name__ == "__main__":
    main()
