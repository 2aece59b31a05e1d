"""Tensors, variables, and the graph that calls of ops become."""
