"""Exports of log events to S3."""
