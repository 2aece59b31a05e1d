"""Runs the tour: `python -m chainrule.examples.tour [CHAPTER]`."""

from chainrule.examples.tour import main

if __name__ == "__main__":
    main()
