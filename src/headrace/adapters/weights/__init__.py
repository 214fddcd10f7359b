"""Model weights: the built-in catalogue, where files come from, and the store that they are kept in."""
