"""Where PostgreSQL's maps of character sets are not Python's, character by character.

Found by asking PostgreSQL 15 for every character up to U+2FFFF and every code of one, two and
three bytes; `encodings` asks here first, and Python's codec then.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Quirks:
    """Where PostgreSQL's map is not Python's: what it has besides, and what it has not."""

    decoded: Mapping[bytes, str] = field(default_factory=dict)
    encoded: Mapping[str, bytes] = field(default_factory=dict)
    missing: str = ""  # as the inside of a character class
    within: str = ""  # a codec that must have the character, too

    def lacks(self, text: str) -> bool:
        """Whether PostgreSQL does not have what Python has."""
        if self.missing and re.search(f"[{self.missing}]", text):
            return True
        try:
            return bool(self.within) and not text.encode(self.within)
        except UnicodeEncodeError:
            return True


# Codes in a row from the first one on, and their characters; for both ways, or to be read alone.
_BOTH: dict[str, dict[str, str]] = {
    "EUC_JP": {
        "a1c1": "\uff5e∥", "a1dd": "\uff0d", "a1f1": "￠￡", "a2cc": "￢", "8fa2c3": "￤",
        "ada1": "①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳ⅠⅡⅢⅣⅤⅥⅦⅧⅨⅩ", "adf3": "∮∑", "adf8": "∟⊿",
        "adc0": "㍉㌔㌢㍍㌘㌧㌃㌶㍑㍗㌍㌦㌣㌫㍊㌻㎜㎝㎞㎎㎏㏄㎡",
        "addf": "㍻〝〟№㏍℡㊤㊥㊦㊧㊨㈱㈲㈹㍾㍽㍼", "8ff3f3": "ⅰⅱⅲⅳⅴⅵⅶⅷⅸⅹ",
        "8ff4a9": "\uff07\uff02",
        "8ff4ae": "炻仼僴凬匇匤\ufa0e咊坙\ufa0f\ufa10增寬峵嵓\ufa11德悅愠敎昻晥"
        "\ufa12\uf929栁\ufa13\ufa14橫"
        "櫢淸淲瀨\ufa15\ufa16甁皂皞\ufa17礰\ufa18\ufa19\ufa1a\ufa1b竧\ufa1c\ufa1d綠緖\ufa1e荢"
        "\ufa1f薰\ufa20\ufa21蠇\ufa22譿賴赶\ufa23\ufa24\ufa25郞\ufa26鄕\ufa27\ufa28閒"
        "\uf9dc\ufa29霻靍靑\ufa2a\ufa2b\ufa2c馞髙魲\ufa2d黑",
    },
    "EUC_KR": {"a2e8": "㉾"},
    "UHC": {"a2e8": "㉾", "c9a1": "".join(map(chr, range(0xE000, 0xE05E))),
            "fea1": "".join(map(chr, range(0xE05E, 0xE0BC)))},
    "JOHAB": {"d9e8": "㉾"},
    "BIG5": {"a15a": "\ufffd", "f9d6": "碁銹裏墻恒粧嫺"},
    "SHIFT_JIS_2004": {"815c": "—", "81d4": "｟｠"},
    "EUC_JIS_2004": {"a1b1": "‾", "a1bd": "—", "a1ef": "¥", "a2d6": "｟｠",
                     "a1c0": "\uff3c", "a2b2": "\uff5e"},
}  # fmt: skip
_READ: dict[str, dict[str, str]] = {
    "EUC_JP": {"8ff3fd": "ⅠⅡ", "8ff4a1": "ⅢⅣⅤⅥⅦⅧⅨⅩ", "8ff4ab": "㈱№℡", "adf0": "≒≡∫",
               "adf5": "√⊥∠", "adfa": "∵∩\u222a"},
    "EUC_KR": {"a4d4": "\u3164"},
    "BIG5": {code: "\ufffd" for code in ("a1c3", "a1c5", "a1fe", "a240", "a2cc", "a2ce")},
}  # fmt: skip
_WRITTEN: dict[str, dict[str, bytes]] = {
    "GBK": {"€": b"\x80"},
    "SJIS": {"¥": b"\\", "‾": b"~"},
    "EUC_JIS_2004": {chr(n): bytes([n]) for n in range(0x80, 0xA0)},
}
_MISSING = {
    "EUC_JP": "¢£¥¬‖‾\u2212〜",
    "BIG5": "ˍ╴￣",
    "SJIS": "\x80-\x9f\ue000-\uf8f3",
    "SHIFT_JIS_2004": "―⦅⦆",
    "EUC_JIS_2004": "―⦅⦆￣￥",
}
_WITHIN = {"EUC_JIS_2004": "shift_jis_2004"}
LONGEST = {"EUC_KR": 2, "EUC_JIS_2004": 3, "SHIFT_JIS_2004": 2}  # of a code, in bytes


def quirks_of(name: str) -> Quirks:
    found = _QUIRKS.get(name)
    if found is None:
        both, read = _codes(_BOTH.get(name, {})), _codes(_READ.get(name, {}))
        encoded = {text: code for code, text in both.items()} | _WRITTEN.get(name, {})
        if name == "SJIS":  # of two codes IBM's are written
            encoded |= _ibm_codes()
        missing, within = _MISSING.get(name, ""), _WITHIN.get(name, "")
        found = _QUIRKS[name] = Quirks(both | read, encoded, missing, within)
    return found


_QUIRKS: dict[str, Quirks] = {}


def _codes(rows: Mapping[str, str]) -> dict[bytes, str]:
    return {
        (int(first, 16) + n).to_bytes(len(first) // 2, "big"): character
        for first, characters in rows.items()
        for n, character in enumerate(characters)
    }


def _ibm_codes() -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for number in range(0xFA40, 0xFC4C):
        code = number.to_bytes(2, "big")
        text = code.decode("cp932", "ignore")
        if len(text) == 1 and 0x40 <= number & 0xFF <= 0xFC and text not in "∵￢":
            found[text] = code
    return found
