"""Trainers of one and the same model: each library in its best ordinary form.

Each has `curve(epochs)`, the mean loss of each epoch from the initial weights with dropout off;
`prepare()`, which builds and warms up what is timed; and `run(epochs)`, seconds of training.
"""
