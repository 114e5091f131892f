"""The objective and its terms."""

from cfensemble.objectives.losses import combined_loss, compute_rmse, reconstruction_loss, supervised_loss

__all__ = ["combined_loss", "compute_rmse", "reconstruction_loss", "supervised_loss"]
