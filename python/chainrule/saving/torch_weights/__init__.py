"""Weights of PyTorch's modules in safetensors files: layouts, the search for who is who, both ways."""
