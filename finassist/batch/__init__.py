"""Many questions at once: bounded, shared, within a budget, and recorded so that nothing is lost.

methods.py        the methods of a workflow
source.py         the questions, in whatever form they come
runner.py         one call: questions to outcomes in a ledger
asking.py         one question, through the same flow and agents as `arun()`; dask.py chunks of them on a cluster
budget.py         what a batch may use and has used; estimate.py what it will use, and how far it is
ledger.py         writes the file of a batch; records.py finds and reads it
batch.py          what a batch returns, and its sync and streamed forms
"""
