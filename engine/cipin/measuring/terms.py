"""Terms of a run's lexicon, as they are asked for."""

from __future__ import annotations

from difflib import get_close_matches

import polars as pl

from cipin.arguments import check_text
from cipin.errors import UsageError
from cipin.lexicon.fold import fold


def find_term(lexicon: pl.LazyFrame, term: str, *, folds: bool) -> tuple[str, tuple[str, ...]]:
    """Return the name of a term, given by its name or a variant, and all its spellings.

    folds   whether the lexicon does: then a spelling of reports is as good, `大數據` as `大数据`

    Raises UsageError if the lexicon has no such term.

    >>> find_term(pl.LazyFrame({"term": ["云计算"], "variants": [["云端运算"]]}), "雲端運算", folds=True)
    ('云计算', ('云计算', '云端运算'))
    """
    check_text(term, "term", "the name of a term of the lexicon")
    terms = lexicon.select("term", "variants").collect()
    spelled = {variant: name for name, variants in terms.iter_rows() for variant in variants}
    spelled |= {name: name for name in terms["term"]}
    name = spelled.get(term)
    if name is None and folds:
        name = {fold(spelling): name for spelling, name in spelled.items()}.get(fold(term))
    if name is None:
        written = {fold(spelling): spelling for spelling in reversed(spelled)}
        near = get_close_matches(fold(term), written, n=3, cutoff=0.4)
        of_it = ", ".join(terms["term"][:3])
        hint = (
            f"near it: {', '.join(written[each] for each in near)}"
            if near
            else f"its {len(terms):,} begin with {of_it}"
        )
        raise UsageError(f"term {term!r}: not in the lexicon of this run; {hint}")
    return name, (name, *terms.filter(pl.col("term") == name)["variants"].item())
