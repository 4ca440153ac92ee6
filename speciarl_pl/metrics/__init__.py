"""Specificity and correctness as torchmetrics."""
