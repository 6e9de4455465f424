"""Kits: what a release has beside Apache Spark, made when a cluster first asks for it."""
