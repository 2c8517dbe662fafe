"""The performance claims of the repair plan, one by one: in which regime each holds, and in which it does not.

    >>> from tests.benchmarks.claims import claims
    >>> results = claims(quick=True)  # doctest: +SKIP
    >>> print(results)  # doctest: +SKIP

Every claim is a ratio of two contenders measured in turn, round by round, in one process on one machine. A ratio of
2.0 means that the baseline takes twice as long, or twice as much memory.

    claim.py       a claim, its regime and its verdict
    contenders.py  one job five ways: TaskGroup, gather, two thread pools, one after the other
    waiting.py     items 5.4 and 5.5: many operations that wait, asleep or for a real local server
    pythons.py     item 5.5: other versions of Python, and eager tasks
    memory.py      item 5.6: memory of a waiting task and of a waiting thread
    graphs.py      item 5.7: a report against the same calls in other frameworks, and against a bare client
"""

from __future__ import annotations

from tests.benchmarks.claims.claim import Claims

_FEW_ROUNDS = 3
"""For 3,000 operations: one round of them takes a pool of Python's own size half a minute on a small machine."""


def claims(*, quick: bool = False) -> Claims:
    """Measure every claim once. Takes some minutes; with `quick` about half a minute, with fewer operations.

    Args:
        quick: Fewer rounds, and at most 300 operations at a time.
    """
    from tests.benchmarks.claims import graphs, memory, pythons, waiting
    from tests.benchmarks.results import machine

    rounds = 5 if quick else 9
    some, many = (3, 30, 300), () if quick else (3_000,)
    described = machine()
    found = [
        *waiting.sleeping(some, rounds),
        *waiting.sleeping(many, _FEW_ROUNDS),
        *waiting.over_http(some, rounds),
        *waiting.over_http(many, _FEW_ROUNDS),
        *pythons.measure(rounds=3 if quick else 5),
        *memory.measure(rounds=3),
        *graphs.measure(rounds),
    ]
    return Claims(found, described)
