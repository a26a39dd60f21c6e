"""What to look for: lexicons, read from files or made of strings, checked, folded and hashed.

In: TOML files, or the lists of other tools. Out: a `Lexicon`, and its patterns. Promised: what is loaded means what it
says; a term that could never be found is an error, with the place and the cure.
"""
