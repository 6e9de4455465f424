"""Channels: streams' records, delivered to buckets."""
