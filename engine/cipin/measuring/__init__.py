"""Hits → counts → panel, and hits in their context; in Polars.

In: the tables of a run. Out: lazy frames. Promised: numerator and denominator come from the same texts, and a group
whose reports could not be read is missing, never zero.
"""
