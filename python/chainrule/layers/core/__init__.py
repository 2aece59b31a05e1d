"""Layers with weights on the last axis, and those that hold a model together."""
