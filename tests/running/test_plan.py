"""Every file is in exactly one shard, and a shard's id changes with what decides its output, and with nothing else."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path

import pytest

import cipin
from cipin.running import plan
from cipin.running.plan import Plan, make_plan


def write(folder: Path, names: list[str], text: str = "大数据") -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def paths(planned: Plan) -> list[str]:
    return [source.path for source in planned.sources]


def ids(planned: Plan) -> list[str]:
    return [shard.id for shard in planned.shards]


@pytest.fixture
def many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """300 files, cut into shards of about 20."""
    monkeypatch.setattr(plan, "LEAST_BYTES", 100)
    monkeypatch.setattr(plan, "CUT_BYTES", 72)  # one in 8
    write(tmp_path / "many", [f"{number:03d}.txt" for number in range(300)])
    return tmp_path / "many"


def test_every_source_is_in_one_shard(many: Path) -> None:
    planned = make_plan([many], "key")
    assert len(planned.shards) > 8
    assert paths(planned) == sorted(path.name for path in many.iterdir())
    assert len(set(ids(planned))) == len(planned.shards)
    assert planned.n_bytes == 300 * 9


def test_shards_keep_to_their_bounds(many: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "MOST_BYTES", 150)
    shards = make_plan([many], "key").shards
    assert max(shard.n_bytes for shard in shards) <= 150
    monkeypatch.setattr(plan, "MOST_FILES", 7)
    shards = make_plan([many], "key").shards
    assert max(len(shard.sources) for shard in shards) == 7


def test_file_larger_than_a_shard_is_alone(many: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "MOST_BYTES", 150)
    write(many, ["100.txt"], "大" * 1000)
    (alone,) = [shard for shard in make_plan([many], "key").shards if shard.n_bytes > 150]
    assert [source.path for source in alone.sources] == ["100.txt"]


@pytest.mark.parametrize("change", ["add", "remove", "grow"])
def test_change_disturbs_its_neighbours_only(many: Path, change: str) -> None:
    before = ids(make_plan([many], "key"))
    if change == "remove":
        (many / "150.txt").unlink()
    else:
        write(many, ["150a.txt" if change == "add" else "150.txt"], "云计算")
        if change == "grow":
            write(many, ["150.txt"], "云计算与大数据")
    after = ids(make_plan([many], "key"))
    assert 1 <= len(set(after) - set(before)) <= 2
    assert 1 <= len(set(before) - set(after)) <= 2


def test_id_is_of_key_names_and_sizes(tmp_path: Path) -> None:
    write(tmp_path / "a", ["1.txt", "2.txt"])
    (first,) = ids(make_plan([tmp_path / "a"], "key"))
    assert ids(make_plan([tmp_path / "a"], "key")) == [first]
    assert ids(make_plan([tmp_path / "a"], "another key")) != [first]
    write(tmp_path / "b", ["1.txt", "2.txt"])
    assert ids(make_plan([tmp_path / "b"], "key")) == [first]  # a corpus may be moved
    write(tmp_path / "a", ["2.txt"], "大数据。")
    assert ids(make_plan([tmp_path / "a"], "key")) != [first]


@pytest.mark.parametrize(
    "options",
    [
        {"text_column": "正文"},
        {"entity_from": "parent"},
        {"year_from": "value:2019"},
        {"clauses": "blank"},
        {"format": "arrow"},
        {"lexicon": cipin.Lexicon.from_terms(["大数据"])},
        {"lexicon": cipin.Lexicon.from_terms(["大数据", "云计算"], match="all")},
    ],
    ids=lambda options: next(iter(options)),
)
def test_shard_ids_of_a_run_change_with_what_decides_its_output(tmp_path: Path, options: dict[str, object]) -> None:
    write(tmp_path / "reports", ["甲银行2019年.txt"])

    def shard_of(name: str, **options: object) -> str:
        call = {"lexicon": cipin.Lexicon.from_terms(["大数据", "云计算"])} | options
        run = cipin.run(tmp_path / "reports", out=tmp_path / name, **call)  # type: ignore[arg-type]
        return str(run.manifest["shards"][0]["shard"])

    assert shard_of("a") == shard_of("b", matcher="blocks", on="serial")
    assert shard_of("a") != shard_of("c", **options)


# ------------------------------------------------------------------------------------------------ what is found


def test_roots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, ["r/2019/a.txt", "r/2019/b.txt", "r/2020/a.txt", "s/c.md"])
    monkeypatch.chdir(tmp_path)
    cases: list[tuple[list[str | Path], str, list[str]]] = [
        (["r"], "r", ["2019/a.txt", "2019/b.txt", "2020/a.txt"]),
        ([Path("r/")], "r", ["2019/a.txt", "2019/b.txt", "2020/a.txt"]),
        (["r/../r"], "r", ["2019/a.txt", "2019/b.txt", "2020/a.txt"]),
        (["r/2019/a.txt"], "r/2019", ["a.txt"]),
        (["r/*/a.txt"], "r", ["2019/a.txt", "2020/a.txt"]),
        (["r/2019/*"], "r/2019", ["a.txt", "b.txt"]),
        (["**/*.txt"], "r", ["2019/a.txt", "2019/b.txt", "2020/a.txt"]),
        (["r", "s"], "", ["r/2019/a.txt", "r/2019/b.txt", "r/2020/a.txt", "s/c.md"]),
        (["s/c.md", "r/2020"], "", ["r/2020/a.txt", "s/c.md"]),
        (["r", "r/2019", "r/2019/a.txt"], "r", ["2019/a.txt", "2019/b.txt", "2020/a.txt"]),
    ]
    for reports, root, expected in cases:
        planned = make_plan(reports, "key")
        assert (planned.root, paths(planned)) == (str(tmp_path / root), expected), reports


def test_dot_files_are_passed_over_unless_named(tmp_path: Path) -> None:
    write(tmp_path, ["a.txt", ".hidden.txt", ".git/b.txt", "c/.d/e.txt"])
    assert paths(make_plan([tmp_path], "key")) == ["a.txt"]
    assert paths(make_plan([tmp_path / ".hidden.txt"], "key")) == [".hidden.txt"]


def test_folder_with_brackets_in_its_name_is_no_glob(tmp_path: Path) -> None:
    write(tmp_path, ["年报[2019]/a.txt"])
    assert paths(make_plan([tmp_path / "年报[2019]"], "key")) == ["a.txt"]


def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    for name in (b"\xc4\xea\xb1\xa8.txt", b"\xff.txt", b"\xfe.txt"):
        with open(os.fsencode(tmp_path) + b"/" + name, "wb") as file:
            file.write(b"text")
    planned = make_plan([tmp_path], "key")
    assert {os.fsencode(path) for path in paths(planned)} == {b"\xc4\xea\xb1\xa8.txt", b"\xff.txt", b"\xfe.txt"}
    assert [source.n_bytes for source in planned.sources] == [4, 4, 4]


def test_order_is_that_of_the_paths_as_written(tmp_path: Path) -> None:
    write(tmp_path, ["b/a.txt", "b.txt", "a/z.txt", "B.txt"])
    found = [Path(path) for path in paths(make_plan([tmp_path], "key"))]
    assert all(before < after for before, after in pairwise(found))


def test_links(tmp_path: Path) -> None:
    write(tmp_path, ["r/a.txt", "elsewhere/b.txt"])
    (tmp_path / "r" / "file.txt").symlink_to(tmp_path / "elsewhere" / "b.txt")
    (tmp_path / "r" / "folder").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "r" / "gone.txt").symlink_to(tmp_path / "nothing")
    planned = make_plan([tmp_path / "r"], "key")
    assert {source.path: source.n_bytes for source in planned.sources} == {
        "a.txt": 9, "file.txt": 9, "folder/b.txt": 9, "gone.txt": 0,
    }  # fmt: skip


def test_links_in_a_ring_end(tmp_path: Path) -> None:
    write(tmp_path, ["r/a/1.txt", "r/b/2.txt"])
    (tmp_path / "r" / "a" / "up").symlink_to(tmp_path / "r")
    (tmp_path / "r" / "self").symlink_to(".")
    assert paths(make_plan([tmp_path / "r"], "key")) == ["a/1.txt", "b/2.txt"]


@pytest.mark.parametrize("name", ["a-link", "z-link"])
def test_folder_and_a_link_to_it_are_searched_once(tmp_path: Path, name: str) -> None:
    write(tmp_path, ["r/folder/1.txt"])
    (tmp_path / "r" / name).symlink_to(tmp_path / "r" / "folder")
    assert len(make_plan([tmp_path / "r"], "key").sources) == 1


def test_output_is_no_source(tmp_path: Path) -> None:
    write(tmp_path, ["a.txt", "out/data/hits/b.txt", "outer/c.txt"])
    assert paths(make_plan([tmp_path], "key", leave_out=[tmp_path / "out"])) == ["a.txt", "outer/c.txt"]


@pytest.mark.parametrize(
    ("reports", "message"),
    [
        ([], "no reports given; name a folder"),
        (["nowhere"], "nowhere: no such file or folder; check the path"),
        (["empty"], "empty: no files there to read; name a folder with reports"),
        (["dots"], "dots: no files there to read"),
        (["*.docx"], "no files there to read"),
        (["full", "nowhere"], "nowhere: no such file or folder"),
    ],
    ids=str,
)
def test_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reports: list[str], message: str) -> None:
    write(tmp_path, ["full/a.txt", "dots/.a.txt"])
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(cipin.SourceError, match=message):
        make_plan(reports, "key")


def test_a_source_alone(many: Path) -> None:
    shard = make_plan([many], "key").shards[0]
    singles = [plan.part_of(shard, number, number + 1) for number in range(len(shard.sources))]
    assert [single.sources for single in singles] == [(source,) for source in shard.sources]
    assert len({single.id for single in singles} | {shard.id}) == len(singles) + 1


def test_what_cipin_wrote_is_no_source(tmp_path: Path) -> None:
    # A run over a folder that held the output of another one read its clauses and packs as reports.
    write(tmp_path, ["a.txt", "b.txt"])
    cipin.run(tmp_path, "wu2021", tmp_path / "first", on="serial")
    cipin.ingest(tmp_path, tmp_path / "corpus", on="serial")
    assert paths(make_plan([tmp_path], "key")) == ["a.txt", "b.txt"]
    for folder in ("first", "first/corpus", "corpus"):
        with pytest.raises(cipin.SourceError, match="what cipin wrote"):
            make_plan([tmp_path / folder], "key")


@pytest.mark.parametrize("n_bytes", [14_000, 400_000, 1_700_000, 4_000_000])
def test_file_that_is_added_disturbs_only_its_neighbours(n_bytes: int) -> None:
    """Also among large files, whose shards end by hash as well, and not where they are full."""
    sources = [plan.Source(f"{number:04d}.pdf", n_bytes, str(number)) for number in range(0, 1200, 2)]
    before = {shard.id for shard in plan.cut(sources, "key")}
    disturbed = []
    for number in range(1, 1200, 24):
        more = sorted([*sources, plan.Source(f"{number:04d}.pdf", n_bytes, str(number))], key=lambda each: each.path)
        disturbed.append(len({shard.id for shard in plan.cut(more, "key")} - before))
    assert sum(disturbed) / len(disturbed) < 1.5
    assert sum(each <= 2 for each in disturbed) >= 0.98 * len(disturbed)


@pytest.mark.skipif(os.name != "posix", reason="two slashes in front mean another machine there")
def test_two_slashes_in_front_are_one(tmp_path: Path) -> None:
    for name in ("a.b", "a/b"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("大数据", encoding="utf-8")
    plain = make_plan([tmp_path / "a.b", tmp_path / "a" / "b"], "key")
    assert [each.path for each in plain.sources] == ["a/b", "a.b"]
    assert make_plan([f"/{tmp_path}/a.b", f"/{tmp_path}/a/b"], "key") == plain
    assert make_plan([f"/{tmp_path}", tmp_path / "a"], "key") == plain
