"""The transparency log: RFC 6962 tree, C2SP notes and checkpoints, its database, its reader."""
