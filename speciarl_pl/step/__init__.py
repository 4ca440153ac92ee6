"""The parts of one training step, and of a validation."""
