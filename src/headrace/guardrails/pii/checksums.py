"""Check digits. Each takes digits (or letters and digits, upper case) without separators, and is true when they are right."""

from __future__ import annotations

_LUHN_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
_CF_LETTERS = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)
"""What a letter counts at an odd place; a digit counts as the letter of its rank."""


def luhn(digits: str) -> bool:
    """ISO/IEC 7812-1: payment cards, and the Swedish personal number."""
    values = [int(digit) for digit in reversed(digits)]
    return (sum(values[::2]) + sum(_LUHN_DOUBLED[value] for value in values[1::2])) % 10 == 0


def iban(text: str) -> bool:
    """ISO 13616, by ISO 7064 mod 97-10."""
    return int("".join(str(int(character, 36)) for character in text[4:] + text[:4])) % 97 == 1


def ean13(digits: str) -> bool:
    """GS1: the Swiss AHV number."""
    return sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits)) % 10 == 0


def german_tax_id(digits: str) -> bool:
    """ISO 7064 mod 11,10; of the first ten digits one stands two or three times, the others at most once."""
    counts = sorted((digits[:10].count(digit) for digit in set(digits[:10])), reverse=True)
    if digits[0] == "0" or counts[0] not in {2, 3} or (len(counts) > 1 and counts[1] > 1):
        return False
    product = 10
    for digit in digits[:10]:
        product = ((int(digit) + product - 1) % 10 + 1) * 2 % 11
    return (11 - product) % 10 == int(digits[10])


def french_nir(text: str) -> bool:
    """13 characters and a key: 97 less their rest. Corsica's 2A and 2B count as 19 and 18."""
    number = int(text[:13].replace("2A", "19").replace("2B", "18"))
    return 97 - number % 97 == int(text[13:])


def spanish_dni(text: str) -> bool:
    """The letter is the number's rest by 23; the X, Y, Z of a NIE counts as 0, 1, 2."""
    number = text[:-1].translate(str.maketrans("XYZ", "012"))
    return _DNI_LETTERS[int(number) % 23] == text[-1]


def italian_cf(text: str) -> bool:
    """DM 12/03/1974: odd places by a table, even places by order, mod 26."""
    ranks = [int(character) if character.isdigit() else ord(character) - ord("A") for character in text]
    return (sum(_CF_LETTERS[rank] for rank in ranks[:15:2]) + sum(ranks[1:15:2])) % 26 == ranks[15]


def dutch_bsn(digits: str) -> bool:
    """The "elfproef": weights 9 to 2 and -1 sum to a multiple of 11."""
    padded = digits.zfill(9)
    return int(padded) > 0 and (
        sum(int(digit) * weight for digit, weight in zip(padded, (9, 8, 7, 6, 5, 4, 3, 2, -1), strict=True)) % 11 == 0
    )


def belgian_number(digits: str) -> bool:
    """97 less the rest of the first nine by 97; from 2000 on with a 2 before them."""
    key = int(digits[9:])
    return key in {97 - int(digits[:9]) % 97, 97 - int("2" + digits[:9]) % 97}


def polish_pesel(digits: str) -> bool:
    """Weights 1, 3, 7, 9, repeated; the last digit makes the sum a multiple of 10."""
    return sum(int(digit) * weight for digit, weight in zip(digits, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1), strict=True)) % 10 == 0


def brazilian_cpf(digits: str) -> bool:
    """Two digits, each the sum by falling weights, mod 11."""
    if len(set(digits)) == 1:
        return False
    for size in (9, 10):
        rest = sum(int(digit) * weight for digit, weight in zip(digits[:size], range(size + 1, 1, -1), strict=True)) * 10 % 11 % 10
        if rest != int(digits[size]):
            return False
    return True


def american_ssn(digits: str) -> bool:
    """No check digit: areas, groups and serials that are never given out, and one number that was in an advertisement."""
    return digits[:3] not in {"000", "666"} and digits[0] != "9" and digits[3:5] != "00" and digits[5:] != "0000" and digits != "078051120"
