"""Scanner: a table with a text column in, a table of hits out; for Ray Data, Daft, Spark, and for scripts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from cipin.arguments import check_flag, check_names, check_number, check_text, shown
from cipin.errors import SchemaError
from cipin.lexicon.model import Lexicon
from cipin.matching.judge import Hits, gather_text, judge, names_of
from cipin.matching.scan import Matcher, choose_matcher, contains_match, count_matches, find_matches
from cipin.schema import TextColumn, array_of, text_column

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Columns of the table that a Scanner returns.
SCANNED = pa.schema(
    [
        ("row", pa.int64()),
        ("term", pa.string()),
        ("surface", pa.string()),
        ("start", pa.int32()),
        ("end", pa.int32()),
        ("kept", pa.bool_()),
        ("reason", pa.string()),
    ]
)

#: Bytes that small chunks of a column are joined to: 291 MB in 200 chunks took 300 MB more when joined into one, and
#: take 70 MB so.
PART_BYTES = 1 << 25


class Scanner:
    """Find a lexicon's hits in Arrow tables.

    lexicon   a Lexicon, or the name or path of one
    threads   threads that share a table's rows; the result is the same for any number
    matcher   "auto", "ahocorasick" (no compiler), "blocks" (the numba kernels), or of those "portable" or "avx512"

    A Scanner can be pickled and shared between threads; the automaton is built once a process. As a class it serves
    Ray Data's actors, as an instance its tasks: cluster/examples/ray_data.py.

    >>> import pyarrow as pa
    >>> scanner = Scanner(Lexicon.from_terms(["大数据", "云计算"]))
    >>> hits = scanner(pa.table({"text": ["推进大數據", "云计算与大数据"]}))
    >>> hits.select(["row", "term", "start", "end"]).to_pylist()[0]
    {'row': 0, 'term': '大数据', 'start': 2, 'end': 5}
    """

    def __init__(self, lexicon: Lexicon | str, *, threads: int = 1, matcher: Matcher = "auto") -> None:
        threads = check_number(threads, "threads", "how many threads there shall be, at least 1", least=1)
        choose_matcher(0, matcher)
        self.lexicon = lexicon if isinstance(lexicon, Lexicon) else Lexicon.load(lexicon)
        self.threads = threads
        self.matcher: Matcher = matcher

    def __call__(
        self,
        table: pa.Table | pa.RecordBatch,
        text: str = "text",
        *,
        suppressed: bool = False,
        keep: Sequence[str] = (),
    ) -> pa.Table:
        """Return the hits in column `text` of `table`, ordered by row, start, longer first.

        `suppressed=True` adds the hits that do not count, with `kept` false and the reason. Columns: see SCANNED;
        `row` is the row in `table`, `start` and `end` are code points. `keep` names columns of `table` that each hit is
        to have behind these, as its row has them: where `table` is one batch of many, `row` alone says nothing.

        Raises SchemaError if there is no such column, if that of the text is not of strings, or has nulls, or if a
        column to be kept is named as one of SCANNED.

        >>> table = pa.table({"text": ["无", "大数据"], "doc_id": ["a", "b"]})
        >>> Scanner(Lexicon.from_terms(["大数据"]))(table, keep=["doc_id"]).select(["term", "doc_id"]).to_pylist()
        [{'term': '大数据', 'doc_id': 'b'}]
        """
        if not isinstance(table, pa.Table | pa.RecordBatch):
            raise SchemaError(f"a {type(table).__name__} stands where an Arrow table belongs; pa.table({{'text': …}})")
        check_text(text, "text", "the name of the column that holds the text")
        check_flag(suppressed, "suppressed")
        kept = _kept_fields(table.schema, check_names(keep, "keep", '["doc_id"]'))
        place = _place_of(table.schema, text)
        parts = [self._scan(part, first, place, kept, suppressed) for first, part in _parts(table, place)]
        return parts[0] if len(parts) == 1 else pa.concat_tables(parts)

    def _scan(
        self, table: pa.Table | pa.RecordBatch, first: int, place: int, kept: list[int], suppressed: bool
    ) -> pa.Table:
        """Return the hits of a part of a table, which begins at row `first`."""
        column = text_column(table.column(place))
        hits = self.hits(column)
        rows = np.arange(len(hits)) if suppressed else np.flatnonzero(hits.kept)
        report = hits.report[rows].astype(np.int64)
        return pa.Table.from_arrays(
            [
                array_of(report + first),
                names_of(tuple(term.name for term in self.lexicon.terms), hits.term[rows]),
                gather_text(column, hits.byte_start[rows], hits.byte_end[rows]),
                array_of(hits.start[rows]),
                array_of(hits.end[rows]),
                array_of(hits.kept[rows]),
                names_of(hits.reasons, hits.reason[rows]),
                *(table.column(each).take(array_of(report)) for each in kept),
            ],
            schema=pa.schema([*SCANNED, *(table.schema.field(each) for each in kept)]),
        )

    def hits(self, column: TextColumn) -> Hits:
        """Return the judged hits of a text column as arrays."""
        return judge(find_matches(column, self.lexicon, self.matcher, self.threads), column, self.lexicon)

    def count(self, column: TextColumn) -> NDArray[np.int64]:
        """Return how many hits count in each text: int64[n_reports]."""
        if not self._all_count:
            hits = self.hits(column)
            report, number = hits.report[hits.kept], None
        elif self.lexicon.match == "all":
            counts = count_matches(column, self.lexicon, self.matcher, self.threads)
            report, number = counts.report, counts.count
        else:
            found = find_matches(column, self.lexicon, self.matcher, self.threads, longest=True)
            report, number = found.report, None
        return np.bincount(report, weights=number, minlength=len(column)).astype(np.int64)

    def contains(self, column: TextColumn) -> NDArray[np.bool_]:
        """Return whether any hit counts in each text: bool[n_reports].

        Where every occurrence counts (no guards, no boundaries), what follows the first is not read.
        """
        if self._all_count:
            return contains_match(column, self.lexicon, self.matcher, self.threads)
        return self.count(column) > 0

    @property
    def _all_count(self) -> bool:
        """Whether every pattern is a term's, and nothing but overlaps takes an occurrence away."""
        patterns = self.lexicon.patterns
        return self.lexicon.boundaries == "none" and min(patterns.term_of) >= 0 and not any(patterns.guards)


def _parts(table: pa.Table | pa.RecordBatch, place: int) -> Iterator[tuple[int, pa.Table | pa.RecordBatch]]:
    """Cut a table between chunks of its text, and yield each part with its first row."""
    column = table.column(place)
    first = rows = size = 0
    # Nulls are refused, and counted, for the column as a whole.
    for chunk in getattr(column, "chunks", ()) if not column.null_count else ():
        if rows and size + chunk.nbytes > PART_BYTES:
            yield first, table.slice(first, rows)
            first, rows, size = first + rows, 0, 0
        rows, size = rows + len(chunk), size + chunk.nbytes
    yield first, table.slice(first)


def _place_of(schema: pa.Schema, name: str) -> int:
    """Return which column of a table is called so. Raises SchemaError if none is, or several."""
    places = [place for place, each in enumerate(schema.names) if each == name]
    if not places:
        raise SchemaError(f"no column {shown(name)} in the table; it has {', '.join(schema.names) or 'none'}")
    if len(places) > 1:
        raise SchemaError(f"{len(places)} columns of the table are called {shown(name)}; rename all but one")
    return places[0]


def _kept_fields(schema: pa.Schema, names: tuple[str, ...]) -> list[int]:
    """Return which columns hits are to have of their rows. Raises SchemaError if they can't."""
    for name in names:
        if name in SCANNED.names or names.count(name) > 1:
            why = "hits have a column of that name" if name in SCANNED.names else "it is named twice"
            raise SchemaError(f"keep = {shown(list(names))}: {name!r} can't be kept, {why}; rename it in the table")
    return [_place_of(schema, name) for name in names]
