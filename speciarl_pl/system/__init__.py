"""The process, its terminal, its files and its fellow ranks: nothing here knows of labels."""
