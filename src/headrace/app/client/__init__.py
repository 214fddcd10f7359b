"""The command line as a client of our own public API."""
