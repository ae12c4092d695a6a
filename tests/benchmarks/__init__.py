"""Benchmarks: ratios to the peers, measured in one run. See ``python -m tests.benchmarks --help``."""
