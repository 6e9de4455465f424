"""How files of a format become records; each module is one of them.

A format is given the options of `format_options`, and offers

* `may_cut`: whether a file can be read from the middle,
* `observe(piece, access)`: the shape of its records,
* `read(piece, schema, access, errors)`: batches of a schema that holds all of them.
"""

from .registry import Format, find_format

__all__ = ["Format", "find_format"]
