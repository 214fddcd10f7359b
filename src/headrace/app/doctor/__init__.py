"""``headrace doctor``: real misconfigurations found and explained, each with its place and its mend. It looks, and changes nothing."""
