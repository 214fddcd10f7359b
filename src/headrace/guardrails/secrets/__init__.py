"""Credentials: what their issuers document, what stands behind a telling name, and key blocks."""
