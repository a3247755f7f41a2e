"""Readers of old and new weight files, and where the published ones come from."""
