"""Names of features: that those at prediction are those of the fit."""

from collections.abc import Sequence

from cfensemble._warnings import warn_user

ORDER = "Feature names must be in the same order as they were in fit."
MISMATCH = "The feature names should match those that were passed during fit."


def check_names(fitted: Sequence[str] | None, given: Sequence[str] | None, owner: str) -> None:
    """Raise a ValueError that lists every name that is missing or unknown, in scikit-learn's words.

    Parameters
    ----------
    fitted, given : sequence of str, or None
        Names at the fit and now.
    owner : str
        Class of the model, for the warning (a UserWarning) where only one of the two has names.
    """
    if fitted is None or given is None:
        if fitted is not None:
            warn_user(f"P does not have valid feature names, but {owner} was fitted with feature names")
        elif given is not None:
            warn_user(f"P has feature names, but {owner} was fitted without feature names")
        return
    if list(fitted) == list(given):
        return
    unknown = [name for name in given if name not in set(fitted)]
    missing = [name for name in fitted if name not in set(given)]
    lines = [MISMATCH]
    if unknown:
        lines += ["Feature names unseen at fit time:", *(f"- {name}" for name in unknown)]
    if missing:
        lines += ["Feature names seen at fit time, yet now missing:", *(f"- {name}" for name in missing)]
    if not unknown and not missing:
        lines.append(ORDER)
    raise ValueError("\n".join(lines))
