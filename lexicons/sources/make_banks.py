"""Make lexicons/cipin_lexicons/banks-cn.csv, the registry of Chinese banks, from its sources.

    python lexicons/sources/make_banks.py BANK_LIST A_SHARE_CODES            # writes the table
    python lexicons/sources/make_banks.py BANK_LIST A_SHARE_CODES --check    # exit code 1 if the table differs

Sources, all of them facts: `banks.tsv` beside this file, written by hand (kind, codes with their exchange, names,
former names with the years they held, English names); BANK_LIST, a list of payment participants (a file that has
`bankName: '…'` on its lines), of which branches, village banks and cooperatives are left out; A_SHARE_CODES, a CSV of
listed companies (`code`, `zwjc`: the short name at the exchange). A row says which of them support it. Names that only
BANK_LIST has are taken where they are of a rural commercial bank, since the name alone says what that is; the others
are shown, for `banks.tsv`.

Raises SystemExit where the sources contradict one another: a code that the exchange gives to another name.
"""

from __future__ import annotations

import csv
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
FACTS = HERE / "banks.tsv"
TABLE = HERE.parent / "cipin_lexicons" / "banks-cn.csv"
COLUMNS = ("entity", "name", "code", "from", "to", "kind", "source")

#: Three ways in which the name of a rural commercial bank is written.
RURAL = ("农商行", "农商银行", "农村商业银行")
_RURAL = re.compile(f"(?:{'|'.join(reversed(RURAL))}|农村商行)$")
_LEGAL = re.compile("(?:股份|有限责任|有限)*公司$")
_BANK_NAME = re.compile("bankName: *'([^']+)'")
#: What of a list of payment participants is no bank of its own.
_NOT_ONE = re.compile("支行|分行|营业|联社|信用|农信|信合|村镇|支付|清算|中心|管理|分理|结算|财务|证券|网上")

Row = dict[str, str]


def bare(name: str) -> str:
    """Return a name as two sources are compared by it: without its legal form, rural banks in one spelling."""
    return _RURAL.sub(RURAL[0], _LEGAL.sub("", name.strip().replace("（", "(").replace("）", ")")))


def spellings(name: str) -> list[str]:
    """Return the ways in which a name is written."""
    return [name[: -len(RURAL[0])] + ending for ending in RURAL] if name.endswith(RURAL[0]) else [name]


def participants(path: Path) -> set[str]:
    """Return the banks of a list of payment participants, bare."""
    names = _BANK_NAME.findall(path.read_text(encoding="utf-8"))
    return {bare(name) for name in names if not _NOT_ONE.search(name)}


def short_names(path: Path) -> dict[str, str]:
    """Return the short name of each code that is listed."""
    with path.open(encoding="utf-8-sig", newline="") as lines:
        return {row["code"]: row["zwjc"] for row in csv.DictReader(lines)}


def rows_of(facts: Row, listed: set[str], short: dict[str, str]) -> Iterator[Row]:
    """Yield the rows of one bank: its names, its former names, its codes."""
    entity, kind = facts["entity"], facts["kind"]

    def row(source: str, **cells: str) -> Row:
        return dict.fromkeys(COLUMNS, "") | {"entity": entity, "kind": kind, "source": source} | cells

    def many(column: str) -> list[str]:
        return [each.strip() for each in facts[column].split(";") if each.strip()]

    codes = many("codes")
    of_exchange = {short[code[:6]] for code in codes if code[:6] in short}
    if of_exchange - {entity}:
        raise SystemExit(f"banks.tsv, {entity}: its codes are those of {', '.join(of_exchange)}; correct one")
    seen: set[str] = set()
    for name in [entity, *many("names"), *many("english")]:
        for spelling in spellings(name):
            if spelling in seen:
                continue
            seen.add(spelling)
            source = ["banks.tsv"]
            source += ["bank_list"] * (bare(spelling) in listed)
            source += ["a_share_codes"] * (spelling in of_exchange)
            yield row(" ".join(source), name=spelling)
    for former in many("former"):
        name, _, years = former.partition("@")
        first, _, last = years.partition("-")
        for spelling in spellings(name):
            source = "banks.tsv bank_list" if bare(spelling) in listed else "banks.tsv"
            yield row(source, name=spelling, **{"from": first, "to": last})
    for code in codes:
        yield row("banks.tsv a_share_codes" if code[:6] in short else "banks.tsv", code=code)


def make_table(bank_list: Path, a_share_codes: Path) -> tuple[str, list[str]]:
    """Return the table as CSV, and the names of BANK_LIST that were not taken."""
    listed, short = participants(bank_list), short_names(a_share_codes)
    with FACTS.open(encoding="utf-8", newline="") as lines:
        banks = list(csv.DictReader(lines, delimiter="\t"))
    rows = [row for facts in banks for row in rows_of(facts, listed, short)]
    known = {bare(row["name"]) for row in rows if row["name"]}
    others = sorted(listed - known)
    for name in others:
        # The province in front is left out by many: what ends in a known name is that bank.
        if name.endswith(RURAL[0]) and not any(name.endswith(each) for each in known):
            for spelling in spellings(name):
                rows.append(
                    dict.fromkeys(COLUMNS, "")
                    | {"entity": name, "name": spelling, "kind": "rural", "source": "bank_list"}
                )
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue(), [name for name in others if not name.endswith(RURAL[0])]


def main(arguments: list[str]) -> int:
    """Write the table, or check it."""
    paths = [Path(each) for each in arguments if each != "--check"]
    if len(paths) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    table, left = make_table(*paths)
    print(f"not taken: {', '.join(left) or 'none'}", file=sys.stderr)
    if "--check" in arguments:
        return int(TABLE.read_text(encoding="utf-8") != table)
    TABLE.write_text(table, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
