"""Layers that several papers share, each with its source; imports nothing but torch."""
