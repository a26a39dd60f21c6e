"""Bytes → text: which encoding a report is in, and whether what came out can be read.

The cascade, and why it stands in this order: byte order mark; UTF-16 without a mark, if there are control bytes
(else half of it would pass for UTF-8); HZ, which is ASCII to all others; strict UTF-8, which other encodings almost
never satisfy by chance; damaged UTF-8; UTF-16 by its script; and for the legacy encodings chardetng, checked against
GB18030 and Big5 by legibility. What reads badly as a whole is tried line by line, for files that were pasted together.
Nothing here raises: undecodable bytes become U+FFFD and are counted, and `is_garbled` tells text from what only
looks like it.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from cipin.reading.characters import code_points

#: Share of illegible characters from which a text is not measured. The share was at most 0.01 in clean texts (300
#: reports, a list of 300,000 company names) and at least 0.37 in Chinese read with the wrong Chinese encoding.
GARBLED = 0.2

#: Share from which a text is flagged: twice what the clean texts have.
SUSPECT = 0.02

_MARK = "\ufffd"

_BOMS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
    (b"\x84\x31\x95\x33", "gb18030"),
)

_SIGNATURES = (
    (b"%PDF-", "pdf"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),
    (b"{\\rtf", "rtf"),
    (b"\x1f\x8b\x08", "gzip"),
    (b"BZh91AY&SY", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "rar"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"\x7fELF", "elf"),
    (b"SQLite format 3\x00", "sqlite"),
)

#: Three-byte sequences of Chinese text: U+2000-203F, U+3000-9FFF, U+FF00-FFEF.
_UTF8_HAN = re.compile(rb"\xe2\x80[\x80-\xbf]|[\xe3-\xe9][\x80-\xbf]{2}|\xef[\xbc-\xbf][\x80-\xbf]")
_HAN = re.compile("[\u4e00-\u9fff]")
_HZ = re.compile(rb"~\{(?:[!-w][!-~])+~\}")
_HIGH = bytes(range(0x80, 0x100))

#: What chardetng calls an encoding → the Python codec, always the superset.
_CODECS = {"GBK": "gb18030", "gb18030": "gb18030", "Big5": "big5hkscs"}

#: What a file of which some lines are UTF-8 is taken for, else.
_LEGACY = ("gb", "big5", "cp")
_SINGLE_BYTE = ("cp12", "cp8", "iso8859", "koi8", "mac")

_SAMPLE_BYTES = 1 << 18  # chardetng reads 12 MB/s, so not all of a long file
_WIDE_SAMPLE_BYTES = 1 << 14
_SAMPLE_CHARS = 20_000


@dataclass(frozen=True, slots=True)
class Decoded:
    """Decoded text.

    text       without a byte order mark; line ends as they were
    encoding   the Python codec used: "utf-8", "utf-8-sig" (the mark was there), "gb18030", "big5hkscs", "utf-16-le",
               "hz"; "utf-8 gb18030" of a file whose lines are in the one or the other
    replaced   how many U+FFFD were put in for bytes that the encoding does not have
    """

    text: str
    encoding: str
    replaced: int


def decode(data: bytes) -> Decoded:
    """Decode `data` in the encoding that it is most probably in. Never raises.

    GB2312 and GBK are read as GB18030, Big5 as Big5-HKSCS (CP950 where that reads more).

    >>> decode("云计算与大数据".encode("gbk"))
    Decoded(text='云计算与大数据', encoding='gb18030', replaced=0)
    >>> decode("数字化转型".encode()[:-1])
    Decoded(text='数字化转\ufffd', encoding='utf-8', replaced=1)
    """
    whole = _decode_whole(data)
    legacy = whole.encoding.startswith(_LEGACY) and garbled_share(whole.text) > SUSPECT
    damaged = whole.replaced and whole.encoding.startswith(("utf-8", *_LEGACY))
    return (_decode_by_line(data) if legacy or damaged else None) or whole


def _decode_whole(data: bytes) -> Decoded:
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            body = data[len(bom) :]
            if encoding == "utf-8-sig":
                # Two files pasted together may have the mark of the first and the encoding of the second.
                return _decode_utf8(body, "utf-8-sig") or _decode_legacy(body)
            decoded = _decode_as(body, encoding)
            if encoding == "utf-32-le" and decoded.replaced:
                continue  # UTF-16 that begins with a NUL
            return decoded
    if count_controls(data):
        wide = _find_wide(data)
        if wide:
            return _decode_as(data, wide)
    if _HZ.search(data) and (hz := _decode_hz(data)):
        return hz
    return _decode_utf8(data, "utf-8") or _decode_wide(data) or _decode_legacy(data)


def find_encoding(stream: BinaryIO) -> str:
    """Return the encoding of a file that is too long to decode at once; reads it to its end if it is UTF-8.

    The codec to open the file with: "utf-8-sig" also for UTF-8 without a mark; of the others a mark stays in the
    text as U+FEFF. What decides is the part around the first byte that is not UTF-8.
    """
    head = stream.read(_SAMPLE_BYTES)
    for bom, encoding in _BOMS:
        if head.startswith(bom):
            return encoding
    if count_controls(head):
        wide = _find_wide(head[: len(head) // 4 * 4])
        if wide:
            return wide
    if _HZ.search(head) and _decode_hz(head):
        return "hz"
    decoder = codecs.getincrementaldecoder("utf-8")()
    before, chunk = b"", head
    while chunk:
        try:
            decoder.decode(chunk)
        except UnicodeDecodeError:
            # Start after a line end, so that the sample does not begin inside a character.
            sample = (before + chunk + stream.read(_SAMPLE_BYTES)).partition(b"\n")[2] if before else chunk
            found = _decode_whole(sample or before + chunk).encoding
            return "utf-8-sig" if found == "utf-8" else found
        before, chunk = chunk, stream.read(_SAMPLE_BYTES)
    return "utf-8-sig"


def find_signature(data: bytes) -> str:
    """Return the name of the binary format that `data` begins with, or "".

    >>> find_signature(b"%PDF-1.7")
    'pdf'
    """
    return next((name for magic, name in _SIGNATURES if data.startswith(magic)), "")


def looks_binary(data: bytes) -> bool:
    """Tell whether `data` is no text in any encoding: a known signature, or many control bytes outside UTF-16 and 32.

    Random bytes have 10 % control bytes, programs more; a text that a broken tool sprinkled with a few NUL is text.

    >>> looks_binary(b"\\x7fELF\\x02\\x01"), looks_binary("云计算".encode("utf-16"))
    (True, False)
    """
    if find_signature(data):
        return True
    if any(data.startswith(bom) for bom, encoding in _BOMS if encoding.startswith("utf-")):
        return False
    controls = count_controls(data)
    return controls > 0.02 * len(data) and not _find_wide(data)


def garbled_share(text: str) -> float:
    """Return the share of the characters of `text`, blanks aside, that readable reports do not have.

    They are: U+FFFD, control and private-use characters (bullets of symbol fonts aside), accented Latin letters, and
    Han outside the everyday ranges (the first levels of GB2312 and of Big5, 6,722 together). Of a long text the
    beginning, the middle and the end are judged, 20,000 characters each.

    >>> garbled_share("金融科技") < garbled_share("閲戣瀺绉戞妧")
    True
    """
    bad, seen = tally(text)
    return bad / seen if seen else 0.0


def is_garbled(text: str, allowed: float = GARBLED) -> bool:
    """Tell whether more than the `allowed` share of `text` is no language; 7 such characters are always allowed.

    >>> is_garbled("本行加快数字化转型，云计算投入增长。")
    False
    >>> is_garbled("本行加快数字化转型，云计算投入增长。".encode().decode("gb18030", "replace"))
    True
    """
    return is_more(tally(text), allowed)


def is_more(tallied: tuple[int, int], allowed: float) -> bool:
    """Tell whether of a text of this tally more is no language than the `allowed` share."""
    bad, seen = tallied
    # 8: a text of 20 characters cut in three places has 6 marks and is still readable.
    return bad >= 8 and bad > allowed * seen


def tally(text: str) -> tuple[int, int]:
    """Count the illegible characters of `text`, or of samples of it, and all but the blank ones."""
    if len(text) > 3 * _SAMPLE_CHARS:
        middle = (len(text) - _SAMPLE_CHARS) // 2
        text = text[:_SAMPLE_CHARS] + text[middle : middle + _SAMPLE_CHARS] + text[-_SAMPLE_CHARS:]
    points = code_points(text)
    # What is beyond the basic plane is bad at first; few texts have any that is.
    kinds = _legibility().take(points, mode="clip")
    is_bad = kinds == _BAD
    if is_bad.any():
        is_bad &= (points < 0x10000) | (points >= 0x20000)
    seen = len(kinds) - int(np.count_nonzero(kinds == _BLANK))
    return int(np.count_nonzero(is_bad)), seen


_BLANK, _GOOD, _BAD = 0, 1, 2


@lru_cache(maxsize=1)
def _legibility() -> NDArray[np.uint8]:
    """uint8[65536]: for each code point of the basic plane blank or neutral, good, or bad; 0xFFFF stands for none."""
    kinds = np.full(0x10000, _GOOD, dtype=np.uint8)
    for first, last in ((0x00, 0x1F), (0x7F, 0x9F), (0xC0, 0x24F), (0x3400, 0x4DBF), (0x4E00, 0x9FFF)):
        kinds[first : last + 1] = _BAD
    # Half-width katakana are what Shift_JIS makes of other encodings.
    for first, last in ((0xD800, 0xDFFF), (0xE000, 0xF8FF), (0xFF61, 0xFF9F), (0xFFFD, 0xFFFF)):
        kinds[first : last + 1] = _BAD
    # Compatibility ideographs and symbol-font bullets come from PDFs; Latin-1 signs (· § °) occur in clean text.
    for first, last in ((0xF900, 0xFAFF), (0xF000, 0xF0FF), (0xA0, 0xBF)):
        kinds[first : last + 1] = _BLANK
    for blank in (0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x20, 0x2028, 0x2029, 0x3000, 0xFEFF):
        kinds[blank] = _BLANK
    kinds[[0xD7, 0xF7]] = _BLANK
    rows = ((range(0xB0, 0xD8), range(0xA1, 0xFF), "gb2312"), (range(0xA4, 0xC7), range(0x40, 0xFF), "big5"))
    for leads, trails, encoding in rows:
        for lead in leads:
            for trail in trails:
                character = bytes((lead, trail)).decode(encoding, "ignore")
                if len(character) == 1 and "\u4e00" <= character <= "\u9fff":
                    kinds[ord(character)] = _GOOD
    return kinds


def count_controls(data: bytes) -> int:
    """Count the C0 controls and DEL that plain text does not use: 0.02 ms for 115 KB, and 0.09 by bytes.translate."""
    if len(data) < _SHORT_BYTES:
        return len(data) - len(data.translate(None, _CONTROLS))
    points = np.frombuffer(data, np.uint8)
    may = points[np.flatnonzero((points < 0x20) | (points == 0x7F))]
    return int(_is_control()[may].sum())


#: Bytes below which translating them is the faster: 1 us for 1 KB, and 12.
_SHORT_BYTES = 1 << 14
#: Text does use TAB, LF, VT, FF, CR and (ISO-2022) ESC.
_CONTROLS = bytes({*range(0x20), 0x7F} - {0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x1B})


@lru_cache(maxsize=1)
def _is_control() -> NDArray[np.bool_]:
    """bool[256]: whether a byte is one of them."""
    controls = np.zeros(256, np.bool_)
    controls[list(_CONTROLS)] = True
    return controls


def _decode_as(data: bytes, encoding: str) -> Decoded:
    try:
        return Decoded(data.decode(encoding), encoding, 0)
    except UnicodeDecodeError:
        text = data.decode(encoding, "replace")
    genuine = _MARK.encode(encoding, "ignore")
    return Decoded(text, encoding, max(1, text.count(_MARK) - (data.count(genuine) if genuine else 0)))


def _decode_utf8(data: bytes, encoding: str) -> Decoded | None:
    """Decode as UTF-8 if that holds strictly, or if Chinese sequences hold at least 80 % of the high bytes."""
    try:
        return Decoded(data.decode("utf-8"), encoding, 0)
    except UnicodeDecodeError:
        pass
    high = len(data) - len(data.translate(None, _HIGH))
    if 3 * sum(1 for _ in _UTF8_HAN.finditer(data)) < 0.8 * high:
        return None
    text = data.decode("utf-8", "replace")
    return Decoded(text, encoding, max(1, text.count(_MARK) - data.count(_MARK.encode())))


def _decode_hz(data: bytes) -> Decoded | None:
    """Decode as HZ, GB2312 between ~{ and ~} in seven bits, if that gives two legible Han or more."""
    if len(data) != len(data.translate(None, _HIGH)):
        return None
    decoded = _decode_as(data, "hz")
    han = _HAN.findall("".join(_decode_as(each, "hz").text for each in _HZ.findall(data)))
    return decoded if len(han) >= 2 and garbled_share("".join(han)) < GARBLED and decoded.replaced <= 1 else None


def _decode_by_line(data: bytes) -> Decoded | None:
    """Decode the lines that are UTF-8 as that, and the others together; None if either part reads no better so."""
    lines = data.removeprefix(codecs.BOM_UTF8).split(b"\n")
    texts: list[str | None] = []
    for line in lines:
        try:
            texts.append(line.decode())
        except UnicodeDecodeError:
            texts.append(None)
    others = [line for line, text in zip(lines, texts, strict=True) if text is None]
    ours = "".join(text for text in texts if text is not None)
    if not others or not _HAN.search(ours) or garbled_share(ours) > SUSPECT:
        return None
    rest = _decode_legacy(b"\n".join(others))
    read = iter(rest.text.split("\n"))
    if rest.replaced or rest.encoding.startswith(_SINGLE_BYTE) or garbled_share(rest.text) > SUSPECT:
        return None
    text = "\n".join(next(read) if text is None else text for text in texts)
    return Decoded(text, f"utf-8 {rest.encoding}", 0)


def _find_wide(data: bytes) -> str:
    """Return the encoding of UTF-16 or UTF-32 without a mark, judged by script, or ""."""
    sample = data[:_WIDE_SAMPLE_BYTES]
    for encoding, width in (("utf-32-le", 4), ("utf-32-be", 4), ("utf-16-le", 2), ("utf-16-be", 2)):
        if not data or len(data) % width:
            continue
        text = sample.decode(encoding, "ignore")
        expected = sum(
            1
            for c in text
            if "\u4e00" <= c <= "\u9fff" or " " <= c <= "~" or c in "\t\n\r" or "\u3000" <= c <= "\u303f"
            or "\uff00" <= c <= "\uffef" or "\u2010" <= c <= "\u2027"
        )  # fmt: skip
        # The script alone is not enough: pairs of Latin letters are Han when read as UTF-16, but rare ones.
        if expected >= 0.9 * (len(sample) // width) and garbled_share(text) < GARBLED:
            return encoding
    return ""


def _decode_wide(data: bytes) -> Decoded | None:
    encoding = _find_wide(data)
    return _decode_as(data, encoding) if encoding else None


def _decode_legacy(data: bytes) -> Decoded:
    """Decode by chardetng's guess, or by whichever of GB18030 and Big5 is more legible if the guess is not."""
    guess = _guess(data)
    best = _decode_candidate(data, guess)
    if guess.startswith(_SINGLE_BYTE):
        # One full stop among Latin letters was taken for Cyrillic; as GB18030 a European text is never all legible.
        for encoding in ("gb18030", "big5hkscs"):
            other = _decode_candidate(data, encoding)
            if not other.replaced and garbled_share(other.text) == 0:
                return other
    share = garbled_share(best.text)
    # chardetng rules an encoding out at its first bad byte, so a damaged GBK file comes back as windows-1252.
    if share > SUSPECT:
        for encoding in ("gb18030", "big5hkscs", "utf-8"):
            if encoding == guess:
                continue
            other = _decode_candidate(data, encoding)
            other_share = garbled_share(other.text)
            if other_share < share:
                best, share = other, other_share
    return best


def _decode_candidate(data: bytes, encoding: str) -> Decoded:
    decoded = _decode_as(data, encoding)
    if encoding == "big5hkscs" and decoded.replaced:
        # Big5-HKSCS lacks the euro sign of CP950 (A3E1), which Taiwan's reports use.
        other = _decode_as(data, "cp950")
        return other if other.replaced < decoded.replaced else decoded
    return decoded


def _guess(data: bytes) -> str:
    from chardetng_py import EncodingDetector

    first = re.search(rb"[\x80-\xff\x1b]", data)
    # From the start of the line of the first high byte; `last=False`, for the sample may end inside a character.
    start = data.rfind(b"\n", 0, first.start()) + 1 if first else 0
    if first and first.start() - start > _SAMPLE_BYTES // 2:
        start = first.start()
    detector = EncodingDetector()
    detector.feed(data[start : start + _SAMPLE_BYTES], last=False)
    name = detector.guess(tld=None, allow_utf8=False)
    return _codec(name)


def _codec(name: str) -> str:
    try:
        return codecs.lookup(_CODECS.get(name, name)).name
    except LookupError:  # WHATWG names that Python does not have, such as "replacement" and "x-user-defined"
        return "cp1252"
