"""The version, for whoever writes it down, without the rest of the package."""

__version__ = "0.1.0"
