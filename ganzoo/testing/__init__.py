"""Helpers for the tests of ganzoo and of plugins."""
