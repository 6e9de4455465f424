"""Runs query executions: from the text of a statement to files in S3 and an ending."""
