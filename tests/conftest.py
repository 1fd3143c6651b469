"""What holds for all tests."""

from hypothesis import settings

# No test may depend on the speed of a machine, and hypothesis would fail those that seem slow.
settings.register_profile("unrelu", deadline=None)
settings.load_profile("unrelu")
