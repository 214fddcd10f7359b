"""``headrace up``: what must be there first, the wait for what warms, and the first minute."""
