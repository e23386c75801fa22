"""Versions of the policy: stored, checked against gates, put in service and taken back (docs/promotion.md)."""
