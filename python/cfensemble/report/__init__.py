"""The report: one HTML page on what a classifier combined, how well, and why it can be trusted or not.

Data flows one way: `subject` (what the report is about) -> `scores`, `probabilities`, `contributions`, `training`,
`disputes`, `learning` (numbers) -> `analysis` (all of them) -> `captions`, `advice`, `tables` (words), `figures`,
`svg` (pictures) -> `page` (the file).
"""

from cfensemble.report.page import write_report

__all__ = ["write_report"]
