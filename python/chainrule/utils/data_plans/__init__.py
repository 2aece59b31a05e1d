"""What a `utils.Dataset` is made of: sources, orders and steps, each an iterator by the number of its pass."""
