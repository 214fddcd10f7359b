"""The outside world, one folder a kind. A driver's library is imported when its module is, and only wiring and the processes do that."""
