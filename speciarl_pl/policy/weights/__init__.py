"""The policy's weights: adapter, number formats, quantisation."""
