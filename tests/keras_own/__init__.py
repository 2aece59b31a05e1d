"""Keras's own unit tests, run against chainrule.

``python -m tests.keras_own [FOLDER...]`` takes the test files that the package `keras` ships below
`keras/src` (all of them, or those of folders such as `layers/core` or files such as
`ops/nn_test.py`), runs each in a process in which `keras` is chainrule, and prints a table by file
and a total. It needs the extra `keras`. Nothing of Keras is copied here: `modules` finds chainrule's
objects by their public names, `case` is the base class that those tests expect, and `excluded` lists
which tests are left out and why.
"""
