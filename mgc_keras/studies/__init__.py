"""The studies, a folder each, named after first author and year; `common` is what they share.

Begin with a folder's `study`. A study imports the engine and `common`, never another study. CONTRIBUTING.md says how
one more is added.
"""
