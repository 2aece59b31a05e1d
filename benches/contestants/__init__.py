"""Trainers of one and the same model: each library in its best ordinary form.

What each of them answers is `contestants.task.Contestant`.
"""
