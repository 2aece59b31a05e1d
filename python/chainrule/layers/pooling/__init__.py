"""Layers that pool windows of images, or whole images, into one element."""
