"""Benchmarks of our lists, Django's admin and stock Flask-Admin over the same tables, each logged in, under the same server."""
