"""From sources to passages: which documents changed, their text, their passages, their vectors."""

from headrace.knowledge.ingest.read import Parts
from headrace.knowledge.ingest.run import Configured, Pass, run_all, run_pass

__all__ = ["Configured", "Parts", "Pass", "run_all", "run_pass"]
