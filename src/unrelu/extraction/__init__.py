"""Queries to a model: lines, random inputs, budget and journal."""
