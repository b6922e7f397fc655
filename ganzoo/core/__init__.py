"""The components for everyone, prefix `core/`: hooks and nothing else."""
