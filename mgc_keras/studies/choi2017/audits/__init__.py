"""Audits: measurements of what a published figure owes to the way in which it was made."""
