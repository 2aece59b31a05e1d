"""Training: data in, the traced step, the loop over epochs."""
