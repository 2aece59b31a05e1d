"""Layers over the steps of sequences."""
