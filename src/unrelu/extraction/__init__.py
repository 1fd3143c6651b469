"""Questions to a model: lines, random queries, budget and journal."""
