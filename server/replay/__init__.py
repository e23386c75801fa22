"""Logged turns are run again under other rules, documents or another policy, before these go live."""
