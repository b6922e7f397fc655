"""Helpers for the tests of ganzoo and of plugins: the conformance kit, golden numbers."""

from ganzoo.testing.conformance import conformance, examine

__all__ = ["conformance", "examine"]
