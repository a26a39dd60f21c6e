"""Text → hits: every occurrence of every term, and which of them count.

In: a text column and a lexicon. Out: judged hits as arrays. Promised: the rows that tests/naive.py states, from either
matcher, for any number of threads, without a Python object per hit.
"""
