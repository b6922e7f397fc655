"""Comparing models: the same captions, draws, sample counts and budget for every row."""
