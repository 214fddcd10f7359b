"""Drivers of the stores.

LanceDB writes warnings about its own workings to standard error unless it is told otherwise before it is first imported. They are nothing
to whoever runs a command, so the word is said here: no driver below can be imported without it. Its errors are raised, not only written.
"""

import os

os.environ.setdefault("LANCEDB_LOG", "error")
os.environ.setdefault("LANCE_INCLUDE_VECTOR_CENTROIDS", "false")

from headrace.adapters.stores import unused

unused.leave_out()  # before anything imports the vector store
