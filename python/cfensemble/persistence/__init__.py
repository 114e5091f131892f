"""Model files: fitted models written to one file each, and read again."""

from cfensemble.persistence.model_file import load

__all__ = ["load"]
