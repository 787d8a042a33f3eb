"""Verbs about trajectories: placements, evaluations, final evaluations, attests."""
