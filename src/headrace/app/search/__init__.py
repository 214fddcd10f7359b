"""Search in this installation: its drivers, and for whom one is made on the command line."""
