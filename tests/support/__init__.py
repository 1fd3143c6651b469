"""Planted problems, and what several tests are made of."""
