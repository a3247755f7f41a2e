"""Figures, tables and the HTML report, drawn only from a run's saved files."""
