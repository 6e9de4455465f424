"""What streams, shards, sequence numbers and iterators are, and their rules. Pure."""
