"""The published algorithms, one to a file."""
