"""Labels: joining is a join of a semilattice, so no order of mixing texts can loosen what any of them demands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.core.labels import Label, Sensitivity

LABELS = st.builds(
    Label,
    tenant=st.just("acme"),
    acls=st.frozensets(st.sampled_from(["a", "b", "c", "d"])),
    sensitivity=st.sampled_from(Sensitivity),
    tainted=st.booleans(),
)


def stricter_or_equal(one: Label, other: Label) -> bool:
    """`one` allows nothing that `other` forbids."""
    return one.acls >= other.acls and one.sensitivity >= other.sensitivity and one.tainted >= other.tainted


@given(LABELS, LABELS, LABELS)
def test_the_order_of_joining_plays_no_part(one: Label, two: Label, three: Label) -> None:
    assert one.join(two) == two.join(one)
    assert one.join(two).join(three) == one.join(two.join(three))
    assert one.join(one) == one


@given(LABELS, LABELS)
def test_a_join_is_as_strict_as_both_and_no_stricter(one: Label, two: Label) -> None:
    both = one.join(two)
    assert stricter_or_equal(both, one)
    assert stricter_or_equal(both, two)
    assert both.acls == one.acls | two.acls
    assert both.sensitivity in {one.sensitivity, two.sensitivity}
    assert both.tainted in {one.tainted, two.tainted}


@given(LABELS, LABELS)
def test_texts_of_two_tenants_are_never_joined(one: Label, two: Label) -> None:
    with pytest.raises(ValueError, match="two tenants"):
        one.join(Label("other", two.acls, two.sensitivity, two.tainted))
