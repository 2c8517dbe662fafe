"""Many questions at once: bounded, shared, within a budget, and written down so that nothing is lost.

intake.py      the questions, one at a time, whatever they come in
asking.py      one question through the same flow and agents as `arun()`, its failure a value
across.py      the flow of one need of a company, without a model
work.py        what is done with each question: it is answered, or across companies looked up
pool.py        a fixed number of workers, each with one question
sharing.py     what several questions need is fetched once
budget.py      what the batch may use, and what it has used
ledger.py      the file a batch is written to; layout.py what is in it, scribe.py writes without blocking the loop
reader.py      reads it; shelf.py finds it: a new one, or the one to go on with
results.py     what came of a question, and how it is stored
batch.py       what a batch returns
estimate.py    what it will cost, without asking anybody
progress.py    how far it is
job.py         all of them together; streaming.py and sync.py its other forms; door.py the methods of the workflow

On a cluster:
dask.py        the only room that knows Dask: a chunk of questions is one of its tasks
dispatch.py    the driver's side: chunks, and what is lost in pieces; purse.py the budget in shares
station.py     the worker's side: a chunk in a task group of its own
recipe.py      what a worker builds the workflow from, without keys; chunks.py the plain dicts that travel
"""
