"""Fit loops for source tasks."""
