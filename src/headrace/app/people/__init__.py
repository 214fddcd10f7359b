"""People: signing in with a provider, importing them, and looking after them, their keys and their sessions."""
