"""Linear complementarity by SCIP: equations, and pairs of unknowns of which one must be 0 each.

    E z = e,  O z ≥ 0,  z_p ≥ 0 and z_q ≥ 0 with one of the two 0 for each pair (p, q).

SCIP branches on the pairs as special ordered sets of type 1, without any bound on z, and minimises
the sum over all pairs of z_p + z_q. That sum has no meaning of its own: where the equations fix
the difference of a pair, its least sum is where one of the two is 0, so that the relaxation breaks
few pairs and those that it does break matter.

All of this is floating point, and SCIP has tolerances. So no solution is SCIP's to
accept: a constraint handler asks the caller about each node's point; a node whose pairs all have a
side fixed to 0, and that the caller still does not take, is given up; another is split.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from scipy.sparse import csr_array

from unrelu.errors import require
from unrelu.numerics.arrays import Array, Index

Settle = Callable[[Array, bool], bool]
Progress = Literal["found", "none", "open"]

PROGRESS: dict[str, Progress] = {
    "infeasible": "none",
    "totalnodelimit": "open",
    "timelimit": "open",
}
"""What SCIP's statuses say; all others say that something went wrong."""

MEGABYTES = 4000
"""Of open nodes; near it SCIP goes depth first, which needs hardly any."""

TOLERANCE = 1e-9
"""SCIP's own is 1e-6. What is off by less is told from a solution by trying pattern after pattern,
so the tightest that its linear programs can meet is the quickest."""

AT_ZERO = 2 * TOLERANCE
"""Twice, so that what is no 0 here is none to SCIP's own handler of the pairs, and
is split by it: a node that neither of the two splits would be lost."""


class GaveUpError(Exception):
    """SCIP ended without an answer, and not for the nodes or the time."""


class Sos1:
    """A search that stops after so many nodes and goes on where it stopped.

    equations (e, N), values (e,); ordered (o, N), rows O; pairs (p, 2) unknowns.

    settle : asked with the point z of a node's relaxation, and whether every pair has a 0 there (up
        to SCIP's tolerance); true if it has made a solution of it, which ends the search.

    Guarantee: "none" is said by SCIP, in floating point. The same seed gives the same search.
    Raises MissingExtraError without pyscipopt.
    """

    def __init__(
        self,
        equations: csr_array,
        values: Array,
        pairs: Index,
        ordered: csr_array,
        settle: Settle,
        seed: int,
    ) -> None:
        scip: Any = require("pyscipopt", "mixed-integer", "searches by mixed-integer programs need")
        self._model = scip.Model(enablepricing=False)
        self._model.hideOutput()
        self._model.setParams(
            {
                "randomization/randomseedshift": seed,
                "misc/catchctrlc": True,
                "numerics/feastol": TOLERANCE,
                "timing/clocktype": 2,
                "limits/memory": MEGABYTES,
                # Reductions that keep one solution of several may keep the one not taken.
                "misc/usesymmetry": 0,
                "misc/allowstrongdualreds": False,
                "misc/allowweakdualreds": False,
                # Every unknown stays what it is, and what cutting planes gain here is less than
                # what they cost.
                "presolving/maxrounds": 0,
                "separating/maxrounds": 0,
                "separating/maxroundsroot": 0,
            }
        )
        paired = np.zeros(equations.shape[1], dtype=bool)
        paired[pairs] = True
        self._unknowns = [
            self._model.addVar(lb=0.0 if least else None, ub=None, obj=float(least))
            for least in paired
        ]
        for row, value in zip(_rows(equations), values.tolist(), strict=True):
            self._model.addCons(self._sum(scip, row) == value)
        for row in _rows(ordered):
            self._model.addCons(self._sum(scip, row) >= 0)
        for first, second in pairs.tolist():
            self._model.addConsSOS1([self._unknowns[first], self._unknowns[second]])
        self._handler = _handler(scip, self._unknowns, pairs, settle)
        self._model.includeConshdlr(
            self._handler,
            "settled",
            "a pattern that the caller takes",
            enfopriority=1000,  # before SOS1's, 100: a point with broken pairs may lead to one
            chckpriority=-10_000_000,
            eagerfreq=-1,
            needscons=False,
        )

    def _sum(self, scip: Any, row: tuple[list[int], list[float]]) -> Any:
        return scip.quicksum(w * self._unknowns[j] for j, w in zip(*row, strict=True))

    @property
    def nodes(self) -> int:
        return int(self._model.getNTotalNodes())

    def run(self, more_nodes: int, deadline: float) -> Progress:
        """Go on for so many nodes, or until the deadline in the time of `time.monotonic`.

        Raises what `settle` raises, KeyboardInterrupt, and GaveUpError.
        """
        left = deadline - time.monotonic()
        if left <= 0:
            return "open"
        self._model.setParam("limits/totalnodes", self.nodes + more_nodes)
        used = float(self._model.getSolvingTime())
        self._model.setParam("limits/time", min(used + left, float(self._model.infinity())))
        try:
            self._model.optimize()
        except Exception as error:  # of no class of its own: "SCIP: error in LP solver!"
            if self._handler.error is None:
                raise GaveUpError(str(error)) from error
        if self._handler.error is not None:
            raise self._handler.error
        status = str(self._model.getStatus())
        if self._handler.settled:
            return "found"
        if status == "userinterrupt":
            raise KeyboardInterrupt
        if status not in PROGRESS:
            raise GaveUpError(f"SCIP ended with the status {status}")
        return PROGRESS[status]


def _rows(matrix: csr_array) -> list[tuple[list[int], list[float]]]:
    ends = matrix.indptr.tolist()
    return [
        (matrix.indices[start:end].tolist(), matrix.data[start:end].tolist())
        for start, end in itertools.pairwise(ends)
    ]


def _handler(scip: Any, unknowns: list[Any], pairs: Index, settle: Settle) -> Any:
    """The class is made here, since its base is imported only when needed."""
    result = scip.SCIP_RESULT

    class Settled(scip.Conshdlr):  # type: ignore[misc]
        settled = False
        error: BaseException | None = None

        def _asked(self, z: Array, whole: bool) -> bool:
            """Whether the caller takes the point."""
            if not self.settled and self.error is None:
                try:
                    self.settled = settle(z, whole)
                except BaseException as error:  # through C code it would be lost
                    self.error = error
            if self.settled or self.error is not None:
                self.model.interruptSolve()
            return self.settled

        def _point(self, solution: Any) -> tuple[Array, bool]:
            """And whether every pair has a 0."""
            z = np.array([self.model.getSolVal(solution, unknown) for unknown in unknowns])
            sides = z[pairs]
            zeros = sides.min(axis=1) <= AT_ZERO * (1 + sides.max(axis=1))
            return z, bool(zeros.all())

        def _split(self) -> dict[str, Any] | None:
            """Two nodes, if there is a pair without a side that is fixed to 0."""
            model = self.model
            for first, second in pairs.tolist():
                ends = [model.getTransformedVar(unknowns[j]) for j in (first, second)]
                if all(end.getUbLocal() > 0 for end in ends):
                    for end in ends:
                        child = model.createChild(0.0, model.getLocalEstimate())
                        model.chgVarUbNode(child, end, 0.0)
                    return {"result": result.BRANCHED}
            return None

        def conscheck(self, _constraints: Any, solution: Any, *_: Any) -> dict[str, Any]:
            z, whole = self._point(solution)
            settled = self._asked(z, whole)
            return {"result": result.FEASIBLE if whole and settled else result.INFEASIBLE}

        def consenfolp(self, *_: Any) -> dict[str, Any]:
            z, whole = self._point(None)
            if self._asked(z, whole) or not whole or self.error is not None:
                return {"result": result.FEASIBLE}  # SOS1's turn, if pairs are broken
            return self._split() or {"result": result.CUTOFF}

        def consenfops(self, *_: Any) -> dict[str, Any]:
            """Where the linear program could not be solved, there is no point, but there are
            smaller nodes, and at last a pattern."""
            split = self._split()
            if split is not None:
                return split
            z = np.zeros(len(unknowns))
            for pair in pairs.tolist():
                for j in pair:
                    z[j] = self.model.getTransformedVar(unknowns[j]).getUbLocal() > 0
            return {"result": result.FEASIBLE if self._asked(z, True) else result.CUTOFF}

        def conslock(self, _constraint: Any, locktype: Any, nlockspos: int, nlocksneg: int) -> None:
            both = nlockspos + nlocksneg  # any change of any unknown may make it worse
            for unknown in unknowns:
                inner = self.model.getTransformedVar(unknown)
                self.model.addVarLocksType(inner, locktype, both, both)

    return Settled()
