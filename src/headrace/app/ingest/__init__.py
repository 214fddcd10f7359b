"""Ingestion in this installation: the watcher, its passes over the sources, and how far a pass is."""
