"""From sources to passages: which documents changed, their text, their passages, their vectors."""

from headrace.knowledge.ingest.run import Configured, Parts, run_pass

__all__ = ["Configured", "Parts", "run_pass"]
