"""Judges: a truth and a prediction become a category."""
