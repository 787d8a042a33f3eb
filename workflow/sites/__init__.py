"""Verbs about sites: applications, changes, handovers."""
