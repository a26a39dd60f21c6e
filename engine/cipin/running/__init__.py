"""How a run is planned, worked through, and published.

In: reports, a lexicon and a place for the output. Out: tables of one version, and a manifest. Promised: a run is
published whole, once, or not at all; every planned report has a row; the bytes are the same on any number of workers.
"""
