"""What happens to events as they come in: metric filters, subscriptions, tails."""
