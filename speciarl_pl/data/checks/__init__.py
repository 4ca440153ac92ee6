"""What the `data` command does: looking at data sets before a run."""
