"""Which deployment answers: what runs, its slots, and who may be chosen."""
