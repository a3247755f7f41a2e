"""The contract of a study: what the five share, from options over manifests and exports to the report.

Begin with `run`. Nothing here knows any single study; each is a folder beside this one.
"""
