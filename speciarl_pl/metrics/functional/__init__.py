"""The maths behind the metrics, as pure functions."""
