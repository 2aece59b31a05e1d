"""Layers that convolve sequences, images and volumes."""
