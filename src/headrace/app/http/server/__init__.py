"""Serving connections: uvicorn's protocol with bounds, on a socket that is already there."""
