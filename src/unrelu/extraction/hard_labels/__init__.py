"""A network behind an oracle that answers with class labels alone: the boundaries between classes
are piecewise linear, and bend where they meet the hyperplane of a unit.
"""
