"""Helpers around training: seeds, labels, summaries, names."""
