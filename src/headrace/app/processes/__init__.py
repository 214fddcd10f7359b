"""The processes of an installation, one module each, and the supervisor that starts and restarts them."""
