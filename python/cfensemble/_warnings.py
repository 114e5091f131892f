"""Warnings that point at the line of the user's that led to them."""

import sys
import warnings


def warn_user(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn on behalf of the first caller outside this package, however deep the call went."""
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).startswith(f"{__package__}."):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)
