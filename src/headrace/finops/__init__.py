"""What it costs: prices, and the meter of the embedded engine's time."""
