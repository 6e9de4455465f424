"""A cluster on Sail: its place on the disk, its nodes, the applications that run on them."""
