"""Kinds of noise: their losses, and the noise that a fit has left."""
