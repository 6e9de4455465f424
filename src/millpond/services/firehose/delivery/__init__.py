"""Delivery: from what was put to where it goes. `interface` says who hands what to whom."""
