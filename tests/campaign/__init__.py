"""A campaign against the package: damaged input of every kind, killed jobs, and independent judges of what came out.

Not part of the test line. ``python -m tests.campaign --help`` says how to run it, `bench.py` what a kind of trial is.
"""
