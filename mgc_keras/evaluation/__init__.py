"""Metrics, confidence intervals, paired tests, audits."""
