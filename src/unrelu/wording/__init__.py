"""Words: text for every kind of stream, cards for notebooks, remarks."""
