"""Claim: rational recovery gives the true weights without any error, in seconds.

Planted: integer weights and inputs of 20 bits, uniform; biases, where there are any, of the size of
v·x. 8 (d + k) samples. Proved: the weights found are those planted, over the rationals, and the
status says so. Seconds: all of `recover(exact=True)`, of which `rational` in exact arithmetic.
"""

from __future__ import annotations

import time

import numpy as np
from _table import Table, parser

from unrelu import Network, recover
from unrelu.numerics.rationals import Rationals, as_fractions

BITS = 20
SIZES = ((20, 5, 5), (20, 5, 1), (20, 10, 2), (50, 20, 20), (50, 20, 5))


def planted(d: int, k: int, m: int, bias: bool, rng: np.random.Generator) -> Network:
    def whole(*shape: int) -> Rationals:
        return as_fractions("whole", rng.integers(-(2**BITS), 2**BITS, shape))

    V, U = whole(k, d), whole(m, k)
    return Network(V, U, whole(k) * 2**BITS, whole(m)) if bias else Network(V, U)


def main() -> None:
    given = parser(__doc__, seeds=5).parse_args()
    columns = ["d", "k", "m", "n", "biases", "proved", "seconds", "worst", "rational", "bits"]
    table = Table("rational", columns, quick=given.quick)
    for d, k, m in SIZES[:2] if given.quick else SIZES:
        for bias in (False, True):
            n = 8 * (d + k) if k <= m else 4 * k * (d + m) // m
            seconds, exact, proved, bits = [], [], 0, 0
            for seed in range(2 if given.quick else given.seeds):
                rng = np.random.default_rng(seed)
                truth = planted(d, k, m, bias, rng)
                X = rng.integers(-(2**BITS), 2**BITS, (n, d))
                Y = truth(X)
                started = time.perf_counter()
                result = recover(X, Y, bias=bias, exact=True, rng=seed, throw=False)
                seconds.append(time.perf_counter() - started)
                exact.append(float(result.stats["seconds_rational"]))
                proof = result.certificate.proof
                same = result.network is not None and (result.network(X) == Y).all()
                proved += bool(result.status == "proved" and same)
                bits = max(bits, proof.bits if proof else 0)
            table.add(
                {
                    "d": d,
                    "k": k,
                    "m": m,
                    "n": n,
                    "biases": int(bias),
                    "proved": f"{proved}/{len(seconds)}",
                    "seconds": float(np.median(seconds)),
                    "worst": max(seconds),
                    "rational": float(np.median(exact)),
                    "bits": bits,
                }
            )


if __name__ == "__main__":
    main()
