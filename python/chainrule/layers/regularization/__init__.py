"""Layers that disturb or punish activations while training."""
