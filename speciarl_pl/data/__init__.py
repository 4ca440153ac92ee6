"""Data: images with labels become batches of samples."""
