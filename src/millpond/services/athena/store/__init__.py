"""How Athena's state is laid out in records; the only place that knows keys."""
