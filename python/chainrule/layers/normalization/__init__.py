"""Layers that normalise activations."""
