"""What was found, by its codes: sentences may change."""

from __future__ import annotations

from unrelu import Certificate, Recovery


def codes(found: Recovery | Certificate) -> set[str]:
    """Of everything that was found about a network, its samples and the question asked."""
    return {finding.code for finding in found.findings}
