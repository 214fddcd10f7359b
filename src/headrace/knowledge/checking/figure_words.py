"""The words of figures: spelled numbers, magnitudes, months, units and bounds of English, each with what it means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headrace.knowledge.checking.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Mapping


def _numbered(words: str, first: int, step: int = 1) -> dict[str, int]:
    return {word: first + step * place for place, word in enumerate(words.split())}


TENS: Final[Mapping[str, int]] = _numbered("twenty thirty forty fifty sixty seventy eighty ninety", 20, 10) | {"fourty": 40}
SMALL: Final[Mapping[str, int]] = {
    **_numbered("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen", 0),
    **_numbered("seventeen eighteen nineteen", 17),
    **TENS,
    "dozen": 12,
    **dict.fromkeys(("nil", "nought", "naught"), 0),
    **dict.fromkeys(("dual", "duo"), 2),
    "trio": 3,
    "quartet": 4,
    "quintet": 5,
}
ORDINALS: Final[Mapping[str, int]] = {
    **_numbered("first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth", 1),
    **_numbered("sixteenth seventeenth eighteenth nineteenth", 16),
    **_numbered("twentieth thirtieth fortieth fiftieth sixtieth seventieth eightieth ninetieth", 20, 10),
    "hundredth": 100,
    "thousandth": 1000,
}
SPELLED: Final[Mapping[str, int]] = {**SMALL, **ORDINALS}
PARTS: Final[Mapping[str, int]] = {
    **_numbered("third fourth fifth sixth seventh eighth ninth tenth", 3),
    "quarter": 4,
    "hundredth": 100,
    "thousandth": 1000,
}
"""What ordinals mean behind a number: parts of a whole."""
HALVES: Final = frozenset({"half", "halves", "halve", "halved", "halving"})
_MULTIPLIED = {
    "2": "twice double doubles doubled doubling",
    "3": "thrice triple triples tripled tripling treble trebles trebled trebling",
    "4": "quadruple quadruples quadrupled quadrupling",
    "5": "quintuple quintuples quintupled quintupling",
    "6": "sextuple sextupled",
}
MULTIPLES: Final[Mapping[str, str]] = {
    **dict.fromkeys(HALVES, "0.5"),
    **{word: value for value, words in _MULTIPLIED.items() for word in words.split()},
}
PAIRS: Final = frozenset({"couple", "pair"})
"""Two, before *of*."""
MAGNITUDES: Final[Mapping[str, int]] = {
    "hundred": 10**2, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12, "quadrillion": 10**15,
    "quintillion": 10**18, "lakh": 10**5, "lakhs": 10**5, "crore": 10**7, "crores": 10**7, "bn": 10**9, "mn": 10**6, "k": 10**3,
}  # fmt: skip
_VAGUE = """
    dozens hundreds thousands millions billions trillions zillion zillions gazillion gazillions myriad myriads umpteen umpteenth
    manyfold manifold multifold twenties thirties forties fifties sixties seventies eighties nineties fortnight fortnights fortnightly
    biannual biannually semiannual semiannually biweekly bimonthly semimonthly biennial biennially triennial tenner fiver
    decade decades century centuries millennium millennia quadrennial quinquennial decennial centennial
    """
"""How many these are nobody knows, or everybody otherwise: they are held where the same word stands."""
_PERIODS = {
    "h": "hourly",
    "d": "daily nightly",
    "week": "weekly",
    "month": "monthly",
    "quarter": "quarterly",
    "year": "yearly annual annually",
}
PERIODS: Final[Mapping[str, str]] = {word: unit for unit, words in _PERIODS.items() for word in words.split()}
"""How often: as a unit that the evidence must speak of."""
_WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday"
ALONE: Final[Mapping[str, Figure]] = {
    **{word: Figure("vague", text=word) for word in _VAGUE.split()},
    **{word: Figure("period", unit=unit) for word, unit in PERIODS.items()},
    **{word + plural: Figure("weekday", text=word) for word in _WEEKDAYS.split() for plural in ("", "s")},
    **{word: Figure("time", text="12:00") for word in ("noon", "midday")},
    "midnight": Figure("time", text="0:00"),
}
"""Words that are a figure by themselves."""
MONTHS: Final[Mapping[str, int]] = {
    **_numbered("january february march april may june july august september october november december", 1),
    **_numbered("jan feb mar apr", 1),
    **_numbered("jun jul aug sep oct nov dec", 6),
    "sept": 9,
}
_UNITS = {
    "times": "times fold x",
    "pp": "pp",
    "%": "% percent percentage pct",
    "‰": "‰ permille",
    "bp": "bp bps basis",
    "USD": "$ usd dollar dollars",
    "EUR": "€ eur euro euros",
    "GBP": "£ gbp pound sterling",
    "CHF": "chf franc francs",
    "JPY": "¥ jpy yen",
    "INR": "₹ inr rupee rupees",
    "cent": "¢ cent cents",
    "μs": "μs microsecond microseconds",
    "ns": "ns nanosecond nanoseconds",
    "ms": "ms millisecond milliseconds",
    "s": "s sec secs second seconds",
    "min": "min mins minute minutes",
    "h": "h hr hrs hour hours",
    "d": "d day days",
    "week": "week weeks",
    "month": "month months",
    "quarter": "quarter quarters",
    "year": "year years yr yrs",
    "decade": "decade decades",
    "century": "century centuries",
    "nm": "nm nanometre nanometres nanometer nanometers",
    "μm": "μm micrometre micrometres micrometer micrometers micron microns",
    "mm": "mm millimetre millimetres millimeter millimeters",
    "cm": "cm centimetre centimetres centimeter centimeters",
    "m": "m metre metres meter meters",
    "km": "km kilometre kilometres kilometer kilometers",
    "mile": "mi mile miles",
    "ft": "ft foot feet",
    "inch": "inch inches",
    "g": "g gram grams gramme grammes",
    "mg": "mg milligram milligrams",
    "μg": "μg ug mcg microgram micrograms",
    "kg": "kg kilo kilos kilogram kilograms",
    "t": "tonne tonnes ton tons",
    "lb": "lb lbs pounds",
    "oz": "oz ounce ounces",
    "ml": "ml millilitre millilitres milliliter milliliters",
    "l": "l litre litres liter liters",
    "ha": "ha hectare hectares",
    "acre": "acre acres",
    "B": "byte bytes",
    "KB": "kb kilobyte kilobytes",
    "MB": "mb megabyte megabytes",
    "GB": "gb gigabyte gigabytes",
    "TB": "tb terabyte terabytes",
    "W": "watt watts",
    "kW": "kw kilowatt kilowatts",
    "MW": "mw megawatt megawatts",
    "GW": "gw gigawatt gigawatts",
    "kWh": "kwh",
    "V": "volt volts",
    "Hz": "hz hertz",
    "kHz": "khz kilohertz",
    "MHz": "mhz megahertz",
    "GHz": "ghz gigahertz",
    "cal": "cal calorie calories",
    "kcal": "kcal kilocalorie kilocalories",
    "J": "joule joules",
    "kJ": "kj kilojoule kilojoules",
    "ppm": "ppm",
    "ppb": "ppb",
    "IU": "iu",
    "rpm": "rpm",
    "mph": "mph",
    "°C": "°c celsius",
    "°F": "°f fahrenheit",
}
UNITS: Final[Mapping[str, str]] = {word: unit for unit, words in _UNITS.items() for word in words.split()}
"""A unit by each of its spellings, in small letters."""
LOWER: Final = (
    "at least", "minimum", "min", "more than", "greater than", "over", "above", "no less than", "not less than", "no fewer than", "exceeds",
    "exceeding", "starting at", "starts at", "after", "since", "minimum of", "at minimum", "no earlier than",
)  # fmt: skip
UPPER: Final = (
    "at most", "maximum", "max", "less than", "fewer than", "under", "below", "no more than", "not more than", "up to", "within", "before",
    "until", "maximum of", "at maximum", "not exceed", "not exceeding", "no later than", "by",
)  # fmt: skip
