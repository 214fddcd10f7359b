"""Values, labels, errors, flow states and ports. Standard library only; every other room may import it."""
