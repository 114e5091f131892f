"""Numbers and names in running text."""

from collections.abc import Sequence

from cfensemble.comparison import Estimate
from cfensemble.evaluation import HIGHER_IS_BETTER

METRICS = {"pr_auc": "PR-AUC", "accuracy": "accuracy", "log_loss": "log-loss", "brier": "Brier score"}
CLEAR = 0.05
"""A difference with a smaller p-value is called more than chance."""
SPACE = "\N{NO-BREAK SPACE}"
MINUS, DASH = "\N{MINUS SIGN}", "\N{EN DASH}"


def percent(share: float) -> str:
    """Write a share."""
    if 0 < share < 0.001:
        return f"less than 0.1{SPACE}%"
    if 0.999 < share < 1:
        return f"more than 99.9{SPACE}%"
    return f"{100 * share:.1f}{SPACE}%" if 0 < share < 1 else f"{100 * share:.0f}{SPACE}%"


def points(share: float) -> str:
    """Write a difference of shares."""
    return f"{100 * share:.1f} percentage points"


def number(value: float) -> str:
    """Write a score."""
    return f"{value:.3f}"


def change(value: float) -> str:
    """Write a difference with its sign."""
    written = f"{value:+.3f}"
    return "0.000" if float(written) == 0 else written.replace("-", MINUS)


def interval(low: float | None, high: float | None) -> str:
    """Write an interval of scores; a dash where there is none."""
    return DASH if low is None or high is None else f"{number(low)} to {number(high)}"


def in_brackets(low: float | None, high: float | None) -> str:
    """Write the interval of a mean that is told in running text, or why there is none."""
    if low is None or high is None:
        return "(the same in every fold)"
    return f"(95{SPACE}% interval {interval(low, high)})"


def is_clear(e: Estimate) -> bool:
    """Whether a difference is called more than chance."""
    return e.p_value is not None and e.p_value < CLEAR


def p_value(p: float | None) -> str:
    """Write the p-value of a test; without one, all folds differ alike."""
    if p is None:
        return "the same in every fold, of which there is no test"
    return f"p{SPACE}={SPACE}{p:.3f}" if p >= 0.0005 else f"p{SPACE}<{SPACE}.001"


def with_article(noun: str) -> str:
    """Put a or an before a noun."""
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def plural(count: int, noun: str, nouns: str | None = None) -> str:
    """Write a count of things."""
    return f"{count:,}{SPACE}{noun if count == 1 else nouns or noun + 's'}"


def listed(names: Sequence[str], most: int = 5) -> str:
    """Write names one after the other, but not too many."""
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most:,} more"
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def is_constant(e: Estimate) -> bool:
    """Whether a method differs by the same in every fold, of which there is no test."""
    return e.difference is not None and e.p_value is None


def versus_average(metric: str, e: Estimate) -> str:
    """Write how a method compares with the plain average."""
    if e.difference is None:
        return ""
    by = change(e.difference)
    if not float(number(e.difference)):
        by = "less than 0.001"
    if is_constant(e):
        return f"{by}, in every fold"
    if not is_clear(e):
        return "no difference" if e.difference == 0 else f"{by}, may be chance"
    return f"{by}, {'better' if (e.difference > 0) == HIGHER_IS_BETTER[metric] else 'worse'}"
