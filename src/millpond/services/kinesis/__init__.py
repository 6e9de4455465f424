"""Amazon Kinesis Data Streams: streams of records, split into shards."""
