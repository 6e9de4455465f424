"""Subscriptions: events that match are sent on to Kinesis and Firehose."""
