"""Verbs about accounts: registering, confirming, eID, two accounts of one person."""
