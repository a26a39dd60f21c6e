"""What is said on stderr while a command works: for people, or a line of JSON an event, for monitors."""

from __future__ import annotations

import json
import logging
import sys


def set_up(verbose: bool, as_json: bool) -> None:
    """Have the log written to stderr."""
    # Events are the very thing that a monitor asks for.
    level = logging.INFO if verbose or as_json else logging.WARNING
    logging.basicConfig(level=level, format="%(message)s", stream=sys.stderr, force=True)
    logging.getLogger("cipin.choice").setLevel(logging.INFO)
    if as_json:
        logging.getLogger().handlers[0].setFormatter(JsonFormatter())


def is_json() -> bool:
    """Tell whether stderr is to hold nothing but JSON."""
    return any(isinstance(each.formatter, JsonFormatter) for each in logging.getLogger().handlers)


class JsonFormatter(logging.Formatter):
    """A line of JSON for each record: time, level, message; and of an event its name and facts."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {"time": round(record.created, 3), "level": record.levelname.lower(), "message": record.getMessage()}
        if event := getattr(record, "event", None):
            line |= {"event": event, **getattr(record, "facts", {})}
        return json.dumps(line, ensure_ascii=False)
