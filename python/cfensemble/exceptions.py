"""Warnings of this library; errors are Python's and scikit-learn's own."""


class CollapseWarning(UserWarning):
    """The aggregator's weights or predictions have degenerated: its probabilities do not rank instances."""


class DataWarning(UserWarning):
    """The data can be fitted, but not in the way its user probably expects."""
