"""Drivers of embedded engines: each is the body of a child process."""
