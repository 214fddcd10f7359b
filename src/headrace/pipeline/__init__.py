"""The request path: `line` is the whole of it on one screen; each stage is a file of its own."""
