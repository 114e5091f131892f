"""Warnings and errors of this library; most errors are Python's and scikit-learn's own."""


class CollapseWarning(UserWarning):
    """The aggregator's weights or predictions have degenerated: its probabilities do not rank instances."""


class DataWarning(UserWarning):
    """The data can be fitted, but not in the way its user probably expects."""


class ModelFileError(ValueError):
    """A file does not hold a model, or is damaged, or was written by a version to come."""
