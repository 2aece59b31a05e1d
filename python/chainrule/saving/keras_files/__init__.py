"""Keras's own files: `.keras` archives, `.weights.h5`, and the HDF5 files of before."""
