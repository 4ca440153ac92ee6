"""From what a source writes to the label that a judge compares with."""
