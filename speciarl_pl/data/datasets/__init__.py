"""Sources of labelled images, one file a data set."""
