"""What the service keeps beside groups, streams and events (`store`)."""
