"""A package, so that no installed distribution's `tests` (torch-fidelity brings one) is taken for it."""
