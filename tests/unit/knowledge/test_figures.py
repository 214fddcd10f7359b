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
    ("41 francs", "fortyone francs"), ("21st year", "the twentyfirst year"), ("a hundred francs", "onehundred francs"),
    ("ten times more", "a tenfold rise"), ("10-fold", "ten-fold"), ("3x faster", "threefold"), ("it doubled", "a twofold rise"),
    ("tripled", "three times as many"), ("quadrupled", "4 times"), ("once a week", "once per week"), ("lights", "once it is lit"),
    ("chapter VIII", "chapter ⅷ"), ("Ⅷ", "VIII"), ("chapter viii", "Chapter 8"), ("Louis ⅩⅣ", "Louis XIV"), ("a mix of it", "a mix"),
    ("3½ days", "3.5 days"), ("three and a half days", "3 1/2 days"), ("2⅓ cups", "2⅓ cups"), ("10⁶ cells", "10^6 cells"),
    ("5 m²", "5 m²"), ("4️⃣ steps", "4 steps"), ("1\u200b000 francs", "1000 francs"), ("1 000", "1\u200b000"), ("٤١", "41"), ("፵፩", "፵፩"),
    ("❽ steps", "❽ steps"), ("🕗", "🕗"), ("two lakh rupees", "200,000 rupees"), ("a pair of shoes", "two shoes"), ("nil", "zero"),
    ("a couple of days", "two days"), ("a married couple", "the couple"), ("a fee of 5 per year", "an annual fee of 5"),
    ("paid every day", "daily pay"), ("5 percentage points", "5 pp"), ("section 12(3)(b)", "section 12(3)"), ("12(3)(b)", "section 12"),
    ("12(3)(b)", "§ 12(3)(b)"), ("item (b)", "item (b)"), ("the documents", "document(s)"), ("2 days", "a two-day trip"),
    ("the third of March 2024", "3 March 2024"), ("March 3", "March the third"), ("due 3 March", "in March"), ("march on", "we march on"),
    ("on Monday", "on monday"), ("at noon", "at 12:00"), ("5 µg", "5 μg"), ("60 km/h", "60 km/h"), ("A$40", "A$40"),
    ("US$40", "40 dollars"),
    ("the nineties", "the nineties"), ("Ⅾ or Ⅿ", "500 and 1000"),
    ("twenty-one and a quarter miles", "21.25 miles"), ("5 and three quarters", "5.75"), ("ⅩⅩⅩⅩ", "ⅩⅩⅩⅩ"), ("2¹⁰", "2^10"),
    ("a twenty-first birthday on the twenty-first of May", "21 May"), ("manifold", "manifold"), ("hundredfold", "a hundred times"),
    ("24 units", "two dozen units"), ("four billion", "four thousand million"), ("the first 2 weeks", "the first two weeks"),
    ("room four zero one", "room four-zero-one"), ("101", "one hundred and one"), ("for a decade", "a decade"),
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
    ("40 francs", "fortyone francs"), ("40 francs", "fourtyone francs"), ("40 francs", "twentyfive francs"), ("40", "onehundred"),
    ("10 francs", "it rose tenfold"), ("it rose", "it rose tenfold"), ("it rose", "a 10-fold rise"), ("three offices", "a threefold rise"),
    ("rose", "hundredfold"), ("it doubled", "it tripled"), ("doubles", "quadruples"), ("it rose", "it is doubling"),
    ("once a week", "twice a week"),
    ("twice a week", "once a week"), ("rose", "manyfold"), ("40 francs", "ⅷ francs"), ("chapter VIII", "chapter Ⅸ"),
    ("chapter viii", "chapter ix"), ("chapter ii", "chapter vi"), ("chapter ii", "chapter x"), ("chapter 7", "chapter viii"),
    ("3½ days", "3 days"), ("3½ days", "half a day"), ("2⅓ cups", "2 cups"),
    ("two days or half a week", "two and a half days"), ("10⁶ cells", "106 cells"), ("fee 40¹", "fee 401"), ("10 and 6", "10⁶"),
    ("5² m", "52 m"), ("4 francs and 1 euro", "4̶1 francs"), ("1 franc", "1\u200b000 francs"), ("40", "፵፩"), ("40", "❹"), ("🕗", "🕘"),
    ("x", "🔟"),
    ("x", "💯 days"), ("two lakh", "two crore"), ("x", "umpteen"), ("x", "a myriad of"), ("three shoes", "a pair of shoes"), ("5", "nil"),
    ("an annual fee", "a monthly fee"), ("every day", "weekly"), ("a fee", "a biannual fee"), ("5 %", "5 percentage points"),
    ("5 percentage points", "5 %"), ("5 basis points", "5 %"), ("section 12(3)(b)", "section 12(3)(c)"), ("item (b)", "item (c)"),
    ("section 12(3)", "section 12(3)(b)"), ("two weeks", "a two-day trip"), ("3 April, not March", "the third of March"),
    ("in March", "in february"), ("due 3 April", "in june"), ("on Monday", "on tuesday"), ("at 5 pm", "at noon"), ("40 mg", "40 µg"),
    ("40 mg", "40 g"), ("60 km/h", "60 mi/h"), ("60 km/h", "60 km"), ("A$40", "$40"), ("$40", "A$40"), ("the eighties", "the nineties"),
    ("v1.2.3", "v1.2.4"), ("17:00+02:00", "17:00+03:00"), ("3 to 5 days", "3 to 6 days"), ("from -5 to 5 degrees", "from -6 to 5 degrees"),
    ("$1,000", "€1,000"), ("40 CHF", "USD 40"), ("4:1", "4:2"), ("№ 12", "№ 13"), ("ratio 3:2", "ratio 2:3"), ("1.5e6", "1.5e7"),
    ("x", "fortnightly"), ("x", "a tenner"), ("x", "five quintillion"), ("40", "4O"), ("10", "l0"), ("5 June", "fifth of July"),
    ("14 units", "two dozen units"), ("room 5", "room four zero one"), ("room 5", "room four-zero-one"), ("40 sheets", "in twenty twenty"),
    ("103", "nineteen eighty-four"), ("15", "five ten"), ("300", "two one hundred"), ("1,004,000", "four thousand million"),
    ("2 years", "for a decade"), ("2 years", "a century"),
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
