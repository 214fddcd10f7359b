"""Figures are equal however they are spelled, and not held when anything about them is another."""

from __future__ import annotations

import pytest

from headrace.knowledge.checking.figures import Figures

HELD = [
    ("CHF 1,000", "one thousand francs"), ("1000", "1,000"), ("1 000", "one thousand"), ("1'000", "1000.00"), ("1.000.000", "a million"),
    ("10.5", "10,5"), ("40 %", "forty percent"), ("40 per cent", "40%"), ("due 3 March 2024", "on March 3rd, 2024"),
    ("due 3 March 2024", "2024-03-03"), ("due 3 March 2024", "in March 2024"), ("due 3 March 2024", "in 2024, on the 3rd"),
    ("March of 2024", "March 2024"), ("23.04.2024", "23 April 2024"), ("04/23/2024", "23 April 2024"), ("at 5 pm", "at 17:00"),
    ("at 9:30", "at 9:30 am"), ("12am", "0:00"), ("10-20 days", "between 10 and 20 days"), ("10-20 days", "10 to 20 days"),
    ("10 to 20 days", "up to 20 days"), ("from 2010 to 2015", "In 2010 it began"), ("at least 5 people", "5 or more people"),
    ("up to 30 days", "within 30 days"), ("1.5 million euros", "EUR 1,500,000"), ("2bn", "two billion"), ("3k", "three thousand"),
    ("call +41 44 123 45 67", "call +41 44 123 45 67"), ("form A-113 for COVID-19", "COVID-19 form A-113"), ("1/2", "½"),
    ("a month of notice", "one month of notice"), ("dogs", "No one may."), ("dogs", "one of the dogs"), ("dogs", "First, the dogs"),
    ("30-day period", "thirty days"), ("two days", "a two-day trip"), ("5km", "5 km"), ("third year", "the 3rd year"),
    ("21", "twenty-one"),
    ("a hundred and five", "105"), ("the second year", "the second year"), ("٣ days", "3 days"), ("三百", "三百"), ("half of it", "half"),
    ("$40", "40 dollars"), ("Price (USD): 40", "40 dollars"), ("thousands came", "thousands"), ("a dozen eggs", "12 eggs"), ("-5", "-5"),
    ("20 °C", "20 °C"), ("page 3", "page 3"), ("up to page 3", "page 3"), ("twice a year", "two times"), ("1990s", "1990s"),
    ("x2y", "X2Y"), ("a 25-minute walk", "a twenty-five-minute walk"), ("two thirds of it", "2/3 of it"), ("⅔", "two-thirds"),
    ("a third of it", "one third"), ("a third party", "the third party"), ("three quarters", "3/4"),
    ("several million", "several million"), ("a quarter of it", "¼ of it"),
    ("minus 5 degrees", "-5 degrees"), ("5 ‰", "5 per mille"), ("1.000.000", "1.000.000"), ("3.125 %", "3.125%"), ("0.125", "0.125"),
    ("40.000 Euro", "40.000 euros"), ("in the third quarter", "in the third quarter"),
]  # fmt: skip
LACKING = [
    ("CHF 1,000", "100 francs"), ("40 francs", "40 euros"), ("5 km", "5 miles"), ("due 3 March 2024", "4 March 2024"),
    ("40", "40 dollars"),
    ("from 3 May 2024 to 5 March 2024", "5 May 2024"), ("3 March", "3 March 2024"), ("03.04.2024", "3 April 2024"),
    ("17:00", "5 am"),
    ("10-20 days", "20 days"), ("10-20 days", "10-30 days"), ("at least 10, at most 20", "between 10 and 20"),
    ("1.5 million", "15 million"),
    ("at least 5 people", "at most 5 people"), ("5 people or more", "5 or fewer people"), ("+41 44 123 45 67", "+41 44 123 67 45"),
    ("form A-113", "form A-114"), ("two months of notice", "one month of notice"), ("the second year", "the first year"),
    ("version 1.2.3", "version 1.2.4"), ("-5 degrees", "5 degrees"), ("5 degrees", "-5 degrees"), ("三", "四"),
    ("1,500 litres", "1.5 litres"),
    ("IPv4", "IPv6"), ("1990s", "1980s"), ("3,400", "thousands"), ("10 and 20", "10 to 20"), ("a day", "one week"), ("", "7"),
    ("see [EMAIL_1]", "see [EMAIL_2]"), ("1/2", "1/3"),
    ("12 months", "12 weeks"), ("2 pages", "twenty-two pages"), ("at 9:30", "at 9:45"), ("2024-03-03", "2024-03-04"),
    ("40 francs", "$40"), ("20 minutes", "a twenty-five-minute walk"), ("two offices", "two-thirds of the offices"),
    ("three offices", "a third of the offices"), ("in 4 steps", "one third of it"), ("half of it", "a quarter of it"),
    ("40 francs", "several million francs"), ("40 francs", "hundred francs"), ("5 degrees", "minus 5 degrees"), ("5 %", "5‰"),
    ("40.000 Euro", "40 euros"), ("40 euros", "40.000 euros"), ("third place", "a third of it"), ("two thirds", "two"),
    ("two days", "a two-to-three-week trip"),
]  # fmt: skip


@pytest.mark.parametrize(("evidence", "said"), HELD)
def test_a_figure_is_held(evidence: str, said: str) -> None:
    assert Figures(evidence).lacking(said) == []


@pytest.mark.parametrize(("evidence", "said"), LACKING)
def test_a_figure_is_not_held(evidence: str, said: str) -> None:
    assert Figures(evidence).lacking(said)


@pytest.mark.parametrize("text", sorted({text for pair in (*HELD, *LACKING) for text in pair}))
def test_every_text_holds_its_own_figures(text: str) -> None:
    assert Figures(text).lacking(text) == []
