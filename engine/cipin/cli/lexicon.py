"""`cipin lexicon`: list, show, lint, diff, import."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.group(short_help="Look at lexicons, check them, compare and import them.")
def lexicon() -> None:
    """Look at lexicons, check them, compare and import them."""


@lexicon.command("list")
def list_() -> None:
    """List the shipped lexicons: id, terms, dimensions, title."""
    from cipin.lexicon.files import find_lexicon, shipped_lexicons

    for name in shipped_lexicons():
        each = find_lexicon(name)
        click.echo(f"{name}\t{len(each.terms)} terms\t{len(each.dimensions)} dimensions\t{each.title}")


@lexicon.command()
@click.argument("name")
@click.option(
    "--format", type=click.Choice(["text", "toml", "jsonl"]), default="text", show_default=True, help="How to print."
)
def show(name: str, format: str) -> None:
    """Print the lexicon NAME (a shipped id, or a path)."""
    from cipin.lexicon.files import find_lexicon, to_toml

    each = find_lexicon(name)
    if format == "toml":
        click.echo(to_toml(each), nl=False)
        return
    if format == "jsonl":
        for term in each.terms:
            row = {
                "lexicon": each.id,
                "term": term.name,
                "dimension": term.dimension,
                "category": term.category,
                "variants": term.variants,
                "guards": term.guards,
                "unless": term.unless,
            }
            click.echo(json.dumps(row, ensure_ascii=False))
        return
    click.echo(f"{each.id} (version {each.version}, {len(each.terms)} terms, hash {each.hash})")
    for text in (each.title, each.source):
        if text:
            click.echo(text)
    click.echo(f"match = {each.match}, fold = {'yes' if each.fold else 'no'}, boundaries = {each.boundaries}")
    if each.guards:
        click.echo(f"{len(each.guards)} guards of every term, such as {each.guards[0]}")
    for dimension in each.dimensions:
        terms = [term for term in each.terms if term.dimension == dimension]
        click.echo(f"\n{dimension} ({len(terms)})")
        for term in terms:
            extra = "; ".join(
                f"{what}: {'、'.join(phrases)}"
                for what, phrases in (("variants", term.variants), ("guards", term.guards), ("unless", term.unless))
                if phrases
            )
            category = f" [{term.category}]" if term.category != dimension else ""
            click.echo(f"  {term.name}{category}" + (f"  ({extra})" if extra else ""))


@lexicon.command()
@click.argument("files", nargs=-1, required=True)
def lint(files: tuple[str, ...]) -> int:
    """Say what is probably wrong in lexicon FILES (or shipped ids), and the cure. Exit code 1 if anything is."""
    from cipin.lexicon.files import shipped_lexicons, shipped_path
    from cipin.lexicon.lint import lint_lexicon

    n_findings = 0
    for name in files:
        path = Path(name)
        if not path.exists() and name in shipped_lexicons():
            path = shipped_path(name)
        for finding in lint_lexicon(path):
            click.echo(str(finding))
            n_findings += 1
    click.echo(f"{n_findings} findings" if n_findings else "nothing found", err=True)
    return 1 if n_findings else 0


@lexicon.command()
@click.argument("before")
@click.argument("after")
def diff(before: str, after: str) -> None:
    """Print what changed from lexicon BEFORE to AFTER."""
    from cipin.lexicon.diff import diff_lexicons
    from cipin.lexicon.files import find_lexicon

    changes = diff_lexicons(find_lexicon(before), find_lexicon(after))
    for change in changes:
        click.echo(str(change))
    click.echo(f"{len(changes)} changes", err=True)


@lexicon.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--first-category", is_flag=True, help="A word in several categories goes to its first.")
@click.option("--out", "-o", type=click.Path(path_type=Path), help="TOML file to write; default: stdout.")
def import_(file: Path, first_category: bool, out: Path | None) -> None:
    """Make a TOML lexicon from FILE: CSV, one term a line, LIWC .dic or quanteda YAML."""
    from cipin.errors import UsageError
    from cipin.lexicon.files import read_lexicon, to_toml

    each = read_lexicon(file, first_category=first_category)
    text = to_toml(each)
    if out is None:
        click.echo(text, nl=False)
        return
    if out.exists():
        raise UsageError(f"{out}: is there already; choose another name, or remove it first")
    out.write_text(text, encoding="utf-8")
    click.echo(f"{len(each.terms)} terms → {out}; `cipin lexicon lint {out}` checks it", err=True)
