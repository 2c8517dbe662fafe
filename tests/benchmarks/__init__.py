"""What finassist costs, measured: `uv run python -m tests.benchmarks [--quick | --claims | --dask] [--json]`.

A model that takes L and a data source that takes F (both sleep, see `fakes`) leave our own time as what a run takes
beyond its critical path. All cases are measured in turn, round by round, each next to the bare sleeps of its critical
path, so that a slow moment of the machine meets all of them alike. Processor time stands next to that of an Agno
workflow that does nothing. Compare ratios and overheads, not seconds of two machines.

    fakes.py      the sleeping model and the sleeping source
    cases.py      what is timed: reports, first events, first words
    costs.py      processor time per report, and time to import
    embedded.py   the embedded data: load times, and memory
    live.py       live data from a local server: warm reports, many at once, memory
    loops.py      gaps of the loop, cancels at random moments, long sessions
    batch.py      many questions: throughput, processor time, memory, five kills (victim.py is what is killed)
    dask.py       a batch on a cluster: when it pays, and when it does not
    server.py     that server, in a process of its own
    figures.py    what it answers: a company that does not exist
    results.py    rows with a verdict, the machine, table and JSON
"""

from __future__ import annotations

from tests.benchmarks.results import Results


def bench(*, quick: bool = False, model_delay: float = 0.2, data_delay: float = 0.05) -> Results:
    """Measure everything once. Takes some minutes; with `quick` about one.

    Args:
        quick: Fewer rounds, and sessions in memory only.
        model_delay: Seconds the model takes per call (L).
        data_delay: Seconds the data source takes per request (F).
    """
    from tests.benchmarks import batch, cases, costs, embedded, live, loops
    from tests.benchmarks.results import machine

    rounds, reports, turns = (5, 10, 20) if quick else (15, 20, 50)
    waits = cases.Waits(model_delay, data_delay)
    described = machine()
    rows = [
        *cases.measure(waits, rounds, quick=quick),
        *costs.processor(reports, turns, quick=quick),
        *live.measure(model_delay, data_delay, rounds, reports=300 if quick else 3_000),
        *batch.measure(model_delay, data_delay, batch.QUICK if quick else batch.FULL),
        *costs.imports(rounds=3 if quick else 5),
        *embedded.measure(rounds=3 if quick else 5),
        *(loops.measure(100, 60, 500) if quick else loops.measure(500, 400, 2_000)),
    ]
    return Results(rows=rows, machine=described, model_delay=model_delay, data_delay=data_delay, rounds=rounds)
