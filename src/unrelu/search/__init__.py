"""How `recover` finds networks: the plan, its searches, and how candidates are certified."""
