"""Text for every kind of stream, cards for notebooks, remarks, statuses."""
