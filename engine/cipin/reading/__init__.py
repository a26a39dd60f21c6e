"""Bytes → reports: files of any format and encoding become texts, cut into clauses and sentences, with whose they are.

In: paths. Out: `RawReport`s, and spans over their text. Promised: every file gives at least one report, measured,
dropped for a named reason or quarantined with an error; text is never rewritten, and offsets are code points of it.
"""
