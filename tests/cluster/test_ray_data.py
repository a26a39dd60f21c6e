"""A Scanner in Ray Data, against cipin.run and against the specification over the same texts."""

from __future__ import annotations

import random
import runpy
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import cipin
from cipin.lexicon.files import to_toml
from cipin.matching.scanner import SCANNED
from naive import find_hits

ray: Any = pytest.importorskip("ray")
pytestmark = [
    pytest.mark.slow,
    # Ray's own: sockets that it leaves to the collector, and what it means to change.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning", "ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = runpy.run_path(str(ROOT / "cluster" / "examples" / "ray_data.py"))
LEXICON = cipin.Lexicon.from_terms(
    ["大数据", "数据", "流计算", "5G", "数字化", "数字化转型"], guards={"流计算": ["现金流计算"]}
)
KEPT = {"doc_id": pa.string(), "number": pa.int16()}
SCHEMA = [*zip(SCANNED.names, SCANNED.types, strict=True), *KEPT.items()]


@pytest.fixture(scope="module", autouse=True)
def two_cpus() -> Iterator[None]:
    ray.init(
        address="local",
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        logging_level="ERROR",
        object_store_memory=200 << 20,
    )
    ray.data.DataContext.get_current().enable_progress_bars = False
    yield
    ray.shutdown()


@pytest.fixture(scope="module")
def texts() -> pa.Table:
    """60 texts, of which every third has no hit and every fifth is empty."""
    rng = random.Random(7)
    words = ["大数据", "大數據", "现金流计算", "流计算", "数字化转型", "５Ｇ", "5Gwh", "，", "。", "推进", "的", "数据"]
    plain = ["推进", "业务", "，", "。", "的"]
    made = ["".join(rng.choices(words if at % 3 else plain, k=200)) if at % 5 else "" for at in range(60)]
    return pa.table(
        {"number": pa.array(range(60), pa.int16()), "doc_id": [f"报告{at}" for at in range(60)], "text": made}
    )


@pytest.fixture(scope="module")
def folder(texts: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The texts as a dataset: four files, of which one has no row, and one no hit."""
    folder = tmp_path_factory.mktemp("texts")
    without = texts.filter(pa.compute.equal(texts["text"], ""))
    others = texts.filter(pa.compute.not_equal(texts["text"], ""))
    for name, part in (("a", others.slice(0, 30)), ("b", texts.slice(0, 0)), ("c", without), ("d", others.slice(30))):
        pq.write_table(part, folder / f"{name}.parquet")
    return folder


def expected(texts: pa.Table) -> list[tuple[Any, ...]]:
    """What the specification finds, as (doc_id, number, start, end, term, surface)."""
    return sorted(
        (row["doc_id"], row["number"], hit.start, hit.end, hit.term, hit.surface)
        for row in texts.to_pylist()
        for hit in find_hits(row["text"], LEXICON)
        if hit.kept
    )


def rows(hits: pl.DataFrame) -> list[tuple[Any, ...]]:
    return sorted(hits.select("doc_id", "number", "start", "end", "term", "surface").iter_rows())


def columns(dataset: Any) -> list[tuple[str, Any]]:
    schema = dataset.schema().base_schema
    return list(zip(schema.names, schema.types, strict=True))


def test_the_example_finds_what_a_run_finds(texts: pa.Table, folder: Path, tmp_path: Path) -> None:
    lexicon = tmp_path / "six.toml"
    lexicon.write_text(to_toml(LEXICON), encoding="utf-8")
    out = tmp_path / "hits"
    call = [str(folder), str(out), "-l", str(lexicon), "--keep", "doc_id", "--keep", "number"]
    EXAMPLE["main"](call)
    found = pl.read_parquet(out / "*.parquet")
    assert rows(found) == expected(texts)
    assert len(found) > 500
    assert found.schema == pl.DataFrame(pa.schema(SCHEMA).empty_table()).schema

    # A run takes a word that stands there four times for overprint, and for once; a Scanner repairs nothing.
    same = {"skip": [], "no_repair": ["overprint"]}
    run = cipin.run(folder, cipin.Lexicon.load(str(lexicon)), tmp_path / "out", on="serial", **same)
    counts = run.counts.group_by("term").agg(pl.col("hits").sum()).collect()
    assert dict(counts.iter_rows()) == dict(Counter(found["term"].to_list()))

    with pytest.raises(ValueError, match="exists"):
        EXAMPLE["main"](call)


def as_actor(dataset: Any, **options: Any) -> Any:
    return dataset.map_batches(
        cipin.Scanner,
        batch_format="pyarrow",
        fn_constructor_args=(LEXICON,),
        fn_kwargs={"keep": list(KEPT)},
        compute=ray.data.ActorPoolStrategy(size=1),
        **options,
    )


def test_a_class_is_built_once_an_actor(texts: pa.Table) -> None:
    hits = as_actor(ray.data.from_arrow([texts.slice(0, 40), texts.slice(0, 0), texts.slice(40)]), batch_size=7)
    assert rows(pl.DataFrame(pa.Table.from_pylist(hits.take_all()))) == expected(texts)


@pytest.mark.parametrize("actor", [True, False])
def test_blocks_without_rows_or_hits_have_the_schema(texts: pa.Table, actor: bool) -> None:
    without = texts.filter(pa.compute.equal(texts["text"], ""))
    dataset = ray.data.from_arrow([texts.slice(0, 0), without])
    hits = as_actor(dataset) if actor else EXAMPLE["find_hits"](dataset, LEXICON, "text", list(KEPT))
    hits = hits.materialize()
    assert hits.count() == 0
    assert columns(hits) == SCHEMA
