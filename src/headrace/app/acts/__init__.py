"""Governed acts: what an operator or an administrator changes, checked first, durable in the ledger before it takes effect."""
