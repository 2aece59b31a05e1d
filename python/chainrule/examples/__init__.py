"""Programs to run: `python -m chainrule.examples.NAME`."""
