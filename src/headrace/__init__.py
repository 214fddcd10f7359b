"""Headrace: a self-hosted, governed workload engine for generative AI."""

__version__ = "0.1.0"
