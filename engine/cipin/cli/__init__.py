"""The command line: parses arguments, calls the API, prints. stdout is data, stderr is for people."""

from __future__ import annotations

import errno
import logging
import os
import select
import shlex
import signal
import sys
from contextlib import suppress
from gc import freeze
from typing import NoReturn

import click

from cipin import __version__
from cipin.cli.associate import associate
from cipin.cli.index import index, sensitivity
from cipin.cli.lexicon import lexicon
from cipin.cli.logs import is_json, set_up
from cipin.cli.look import doctor, explain, kwic, panel
from cipin.cli.repeats import repeats
from cipin.cli.run import ingest, run, scan
from cipin.cli.share import codebook, export
from cipin.cli.upkeep import diff, errors, gc, retry, status, verify
from cipin.errors import CipinError

INTERRUPTED = 130


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="cipin")
@click.option("--verbose", "-v", is_flag=True, help="Say on stderr what was chosen, and why.")
@click.option("--debug", is_flag=True, help="Show Python's traceback of an error.")
@click.option("--log-format", type=click.Choice(["text", "json"]), default="text", show_default=True,
              help="Of what is said on stderr while it works; json: a line an event, for monitors.")  # fmt: skip
def cipin(verbose: bool, debug: bool, log_format: str) -> None:
    """词频: what thousands of reports talk about, with the evidence, as Arrow tables."""
    set_up(verbose or debug, log_format == "json")


for _command in (
    run, ingest, scan, panel, index, sensitivity, associate, kwic, repeats, explain, export, codebook, lexicon,
    status, errors, retry, diff, verify, gc, doctor,
):  # fmt: skip
    cipin.add_command(_command)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    if arguments is None:
        # Whatever the locale says, a shell hands on UTF-8.
        arguments = [os.fsencode(each).decode("utf-8", "surrogateescape") for each in sys.argv[1:]]
        signal.signal(signal.SIGTERM, _interrupt)
    if any("\0" in each for each in arguments):
        return _say("error: an argument holds a NUL character, which no path or name may; leave it out", 2)
    try:
        # Not click's own `main`: that ends the process with 1 where the reader of a pipe has gone.
        with cipin.make_context("cipin", list(arguments)) as context:
            code = cipin.invoke(context)
        if sys.stdout:  # None where it was closed
            sys.stdout.flush()
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        error.show()
        return 2
    except (KeyboardInterrupt, click.Abort) as stopped:
        kept = f"; {stopped}" if str(stopped) else ""
        command = shlex.join(["cipin", *arguments])
        return _say(f"interrupted, nothing was published{kept}. To go on:\n{command}", INTERRUPTED)
    except CipinError as error:
        if "--debug" in arguments:
            raise
        return _say(f"error: {error}", error.exit_code)
    except OSError as error:
        if isinstance(error, BrokenPipeError) and _has_no_reader():
            # The reader of our output (`| head`) has gone: not an error, but stdout must not be flushed again.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        full = "the disk is full; free some space and run again" if error.errno == errno.ENOSPC else error.strerror
        return _say(f"error: {error.filename or 'input or output'}: {full or error}", 74)
    except Exception as error:
        if "--debug" in arguments:
            raise
        if type(error).__module__.partition(".")[0] in {"polars", "pyarrow"}:
            # Whatever these raise of what is our own doing, a table that is damaged is the likeliest of all.
            what = " ".join(str(error).split())[:300]
            return _say(f"error: a table cannot be read: {what}\n`cipin verify OUT` names what is damaged.", 74)
        return _say(
            f"error: {type(error).__name__}: {error}\nThis is a fault of cipin. `cipin --debug …` shows where; "
            "please report it with the command.",
            3,
        )
    if "duckdb" not in sys.modules:  # its bindings take what is frozen for leaks, and say so on stderr
        freeze()  # what ends with the process need not be searched for cycles: 0.27 s became 0.11
    return code if isinstance(code, int) else 0


def _has_no_reader() -> bool:
    """Whether the reader of stdout has gone; any other pipe that breaks is a process of ours, whose work is lost."""
    if not hasattr(select, "poll"):  # Windows
        return True
    asked = select.poll()
    asked.register(sys.stdout.fileno(), 0)
    return any(state & (select.POLLERR | select.POLLHUP) for _, state in asked.poll(0))


def _interrupt(_signal: int, _frame: object) -> NoReturn:
    # What a scheduler sends before it kills: to be left as tidily as by Ctrl-C.
    raise KeyboardInterrupt


def _say(message: str, code: int) -> int:
    if is_json():
        logging.getLogger("cipin").error(message, extra={"event": "failed", "facts": {"exit_code": code}})
    else:
        with suppress(BrokenPipeError):  # nobody listens
            click.echo(message, err=True)
    return code
