"""Samples read block by block from where they are stored: larger than memory is fine."""
