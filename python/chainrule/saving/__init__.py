"""Objects to config dicts and back, models to files and back."""
