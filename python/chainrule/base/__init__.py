"""What needs no tensor: defaults, errors, dtypes, nested structures, names, configurations."""
