"""The run directory: one file for each thing that a run leaves in it."""
