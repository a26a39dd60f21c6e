"""The Polars namespace `cipin` of expressions: `pl.col("text").cipin.count(lexicon)`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from cipin.lexicon.model import Lexicon

_HIT = pl.Struct({"term": pl.String, "surface": pl.String, "start": pl.Int32, "end": pl.Int32})


@pl.api.register_expr_namespace("cipin")
class CipinExpr:
    """What a lexicon finds in a column of texts. A null text gives null: it is not an empty one."""

    def __init__(self, expression: pl.Expr) -> None:
        self._expression = expression

    def count(self, lexicon: Lexicon | str) -> pl.Expr:
        """Return how many hits count in each text: UInt32.

        >>> import polars as pl; import cipin
        >>> frame = pl.DataFrame({"text": ["推进大數據", None]})
        >>> frame.select(pl.col("text").cipin.count(cipin.Lexicon.from_terms(["大数据"])))["text"].to_list()
        [1, None]
        """

        def count(texts: pl.Series) -> pl.Series:
            from cipin.matching.scanner import Scanner
            from cipin.schema import text_column

            known = texts.drop_nulls()
            if not len(known):
                return pl.Series(texts.name, [None] * len(texts), pl.UInt32)
            counts = Scanner(lexicon).count(text_column(known.to_arrow()))
            return _spread(texts, pl.Series(texts.name, counts, pl.UInt32))

        return self._expression.map_batches(count, return_dtype=pl.UInt32, is_elementwise=True)

    def hits(self, lexicon: Lexicon | str) -> pl.Expr:
        """Return the hits that count in each text: List(Struct(term, surface, start, end)), offsets in code points.

        >>> import polars as pl; import cipin
        >>> frame = pl.DataFrame({"text": ["推进大數據"]})
        >>> frame.select(pl.col("text").cipin.hits(cipin.Lexicon.from_terms(["大数据"])))["text"][0][0]
        {'term': '大数据', 'surface': '大數據', 'start': 2, 'end': 5}
        """

        def find(texts: pl.Series) -> pl.Series:
            import pyarrow as pa

            from cipin.matching.scanner import Scanner

            known = texts.drop_nulls()
            if not len(known):
                return pl.Series(texts.name, [None] * len(texts), pl.List(_HIT))
            found = pl.DataFrame(Scanner(lexicon)(pa.table({"text": known.to_arrow()})))
            lists = (
                pl.DataFrame({"row": pl.int_range(len(known), eager=True)})
                .join(
                    found.group_by("row", maintain_order=True).agg(
                        pl.struct("term", "surface", "start", "end").alias("hits")
                    ),
                    on="row",
                    how="left",
                    maintain_order="left",
                )
                .get_column("hits")
                .fill_null([])
                .cast(pl.List(_HIT))
            )
            return _spread(texts, lists.rename(texts.name))

        return self._expression.map_batches(find, return_dtype=pl.List(_HIT), is_elementwise=True)


def _spread(texts: pl.Series, values: pl.Series) -> pl.Series:
    """Put `values`, one for each text that is not null, in the places of these."""
    if not texts.null_count():
        return values
    places = (
        pl.DataFrame({"known": texts.is_not_null()}).with_row_index("row").with_columns(pl.col("row").cast(pl.Int64))
    )
    known = places.filter("known").select("row").with_columns(values.alias("value"))
    return places.join(known, on="row", how="left", maintain_order="left")["value"].alias(texts.name)
