"""The parameters that expressions replaced, translated to the same trees.

Older Kinesis Client Libraries speak nothing else.
"""
