"""Hits → counts → panel, hits in their context, and what is there twice; in Polars, and kernels for the latter.

In: the tables of a run. Out: lazy frames. Promised: numerator and denominator come from the same texts, and a group
whose reports could not be read is missing, never zero.
"""
