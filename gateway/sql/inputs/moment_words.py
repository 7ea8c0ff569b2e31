"""The words that PostgreSQL reads in dates and times: months, days of the week, and zones.

Origin: PostgreSQL 15, src/backend/utils/adt/datetime.c (datetktbl) and the abbreviations of
src/timezone/tznames/Default. A word without a row is the name of a time zone, or none.
"""

from __future__ import annotations

from enum import Enum


class Word(Enum):
    """What a word says."""

    MONTH = 1  # its number
    WEEKDAY = 2
    ERA = 3  # whether it is before Christ
    HALF = 4  # whether it is PM
    DAY = 5  # days from today; see `NOW`, `ALLBALLS`
    END = 6  # infinity, -infinity, epoch
    UNIT = 7  # J and T, of what comes next
    SUMMER = 8
    FILLER = 9
    OFFSET = 10  # seconds east of Greenwich
    PLACE = 11  # the zone whose clocks an abbreviation means


NOW, ALLBALLS = "now", "allballs"
JULIAN, TIME = "julian", "time"

_MONTHS = (
    "jan january", "feb february", "mar march", "apr april", "may", "jun june", "jul july",
    "aug august", "sep sept september", "oct october", "nov november", "dec december",
)  # fmt: skip
_WEEKDAYS = (
    "sun sunday mon monday tue tues tuesday wed weds wednesday thu thur thurs thursday "
    "fri friday sat saturday"
)
# Minutes east of Greenwich -> abbreviations.
_OFFSETS = {
    -600: "hst taht",
    -570: "mart",
    -540: "akst gamt",
    -480: "akdt pst",
    -420: "mst pdt",
    -360: "cst galt mdt",
    -300: "act cdt cot est pet",
    -240: "amt ast bot edt",
    -210: "nft nst",
    -180: "adt bra brt clst gft pmst pyst uyt wgt",
    -150: "ndt",
    -120: "brst fnt pmdt uyst wgst",
    -60: "azot egt fnst",
    0: "azost egst gmt uct ut utc wet z zulu",
    60: "bst cet met mez wat wetdst",
    120: "bdst cest cetdst eet ist mest mesz metdst sast",
    180: "eat eest eetdst fet idt",
    210: "irt",
    240: "msd mut ret sct",
    270: "aft",
    300: "must mvt pkt tft tjt uzt",
    345: "npt",
    360: "almt bdt btt kgst pkst uzst xjt yekst",
    390: "mmt",
    420: "almst cxt ict wast",
    480: "awst bnt bort cct hkt myt pht wadt",
    525: "acwst",
    540: "awsst jayt jst kst pwt ulast wdt",
    570: "acst cast",
    600: "aest chut ddut kdt ligt mpt pgt trut yapt",
    630: "acdt acsst cadt lhst sadt",
    660: "aedt aesst pont vut",
    720: "fjt gilt mht nzst nzt tvt wakt wft",
    765: "chast",
    780: "fjst nzdt tot",
    825: "chadt",
}  # fmt: skip
# Those whose offset depends on the year.
_PLACES = {
    "America/Argentina/Buenos_Aires": "art arst",
    "America/Asuncion": "pyt",
    "America/Caracas": "vet",
    "America/Guyana": "gyt",
    "America/Santiago": "clt",
    "Antarctica/Davis": "davt",
    "Antarctica/Mawson": "mawt",
    "Asia/Anadyr": "anast anat",
    "Asia/Ashgabat": "tmt",
    "Asia/Baku": "azst azt",
    "Asia/Bishkek": "kgt",
    "Asia/Colombo": "lkt",
    "Asia/Irkutsk": "irkst irkt",
    "Asia/Kamchatka": "petst pett",
    "Asia/Krasnoyarsk": "krast krat",
    "Asia/Magadan": "magst magt",
    "Asia/Novosibirsk": "novst novt",
    "Asia/Omsk": "omsst omst",
    "Asia/Singapore": "sgt",
    "Asia/Tbilisi": "gest get",
    "Asia/Ulaanbaatar": "ulat",
    "Asia/Vladivostok": "vlast vlat",
    "Asia/Yakutsk": "yakst yakt",
    "Asia/Yekaterinburg": "yekt",
    "Asia/Yerevan": "amst",
    "Atlantic/Stanley": "fkst fkt",
    "Australia/Lord_Howe": "lhdt",
    "Europe/Moscow": "msk",
    "Europe/Volgograd": "volt",
    "Indian/Chagos": "iot",
    "Pacific/Easter": "easst east",
    "Pacific/Fakaofo": "tkt",
    "Pacific/Kiritimati": "lint",
    "Pacific/Kosrae": "kost",
    "Pacific/Niue": "nut",
    "Pacific/Rarotonga": "ckt",
}

_Value = int | bool | str

WORDS: dict[str, tuple[Word, _Value]] = {
    **{name: (Word.MONTH, n) for n, names in enumerate(_MONTHS, 1) for name in names.split()},
    **dict.fromkeys(_WEEKDAYS.split(), (Word.WEEKDAY, 0)),
    "ad": (Word.ERA, False), "bc": (Word.ERA, True),
    "am": (Word.HALF, False), "pm": (Word.HALF, True),
    "yesterday": (Word.DAY, -1), "today": (Word.DAY, 0), "tomorrow": (Word.DAY, 1),
    NOW: (Word.DAY, NOW), ALLBALLS: (Word.DAY, ALLBALLS),
    **{name: (Word.END, name) for name in ("infinity", "-infinity", "epoch")},
    **dict.fromkeys(("j", "jd", "julian"), (Word.UNIT, JULIAN)), "t": (Word.UNIT, TIME),
    **dict.fromkeys(("d", "dow", "doy", "h", "m", "mm", "s", "y"), (Word.UNIT, "another")),
    **dict.fromkeys(("isodow", "isoyear"), (Word.UNIT, "another")),
    "dst": (Word.SUMMER, 3600), "at": (Word.FILLER, 0), "on": (Word.FILLER, 0),
}  # fmt: skip

ABBREVIATIONS: dict[str, tuple[Word, _Value]] = {
    **{
        name: (Word.OFFSET, minutes * 60)
        for minutes, names in _OFFSETS.items()
        for name in names.split()
    },
    **{name: (Word.PLACE, zone) for zone, names in _PLACES.items() for name in names.split()},
}
