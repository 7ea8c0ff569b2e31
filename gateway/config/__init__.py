"""The server's settings, and how they are read."""

from gateway.config.reading import PREFIX, Mistake, Mistakes, dataset_of, is_loopback, load
from gateway.config.settings import BUNDLED, Dataset, Metrics, Role, Settings

__all__ = [
    "BUNDLED",
    "PREFIX",
    "Dataset",
    "Metrics",
    "Mistake",
    "Mistakes",
    "Role",
    "Settings",
    "dataset_of",
    "is_loopback",
    "load",
]
