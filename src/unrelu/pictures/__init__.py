"""Pictures of fits, as figures of matplotlib."""
