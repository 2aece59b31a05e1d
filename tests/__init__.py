"""Tests of chainrule; `tests.harness` holds the five checks that every op must pass."""
