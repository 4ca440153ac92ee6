"""From a sample to the tensors of its prompt."""
