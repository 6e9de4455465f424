"""Managed Service for Apache Flink (Kinesis Data Analytics): SQL that runs over live streams."""
