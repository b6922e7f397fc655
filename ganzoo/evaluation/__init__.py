"""Measuring models: the same held-out captions and draws, and every number with what it depends on."""
