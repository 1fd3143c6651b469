"""The version of the library, where everything can stand on it."""

__version__ = "0.1.0"
