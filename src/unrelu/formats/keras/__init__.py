"""Keras models and weights."""
