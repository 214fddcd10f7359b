"""Headrace's own endpoints: search, requests, the log, and what can be looked up."""
