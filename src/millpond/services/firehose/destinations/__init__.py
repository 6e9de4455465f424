"""Where batches go that do not go to S3: each destination a module with `check` and `destination`.

What they share is the contract in `delivery/interface`.
"""
