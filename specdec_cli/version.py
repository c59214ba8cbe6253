"""The version that is installed."""

from __future__ import annotations


def version() -> str:
    """The version number; ``(not installed)`` where specdec runs from files alone."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed("specdec-cli")
    except PackageNotFoundError:
        return "(not installed)"
