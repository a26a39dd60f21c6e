"""The lexicons that ship with cipin, one TOML file each; `cipin.Lexicon.load("wu2021")` finds them by id."""
