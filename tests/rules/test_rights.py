"""What each action opens, and the words of @requires behind which it stands."""

from hypothesis import given
from hypothesis import strategies as st

from portal.rules import rights
from portal.rules.rights import ALL, Action


def test_every_action_has_a_label_and_a_right():
    assert set(rights.LABELS) == set(rights.BEHIND.values()) == set(Action)
    assert sum(Action) == ALL


def test_a_right_that_is_no_company_s_asks_to_see():
    assert rights.behind(None) == rights.behind("staff") == Action.SEE
    assert rights.behind("affiliate") == Action.ENROL


@given(st.sets(st.sampled_from(list(Action))))
def test_labels_are_those_of_the_actions_in_the_order_of_the_page(actions):
    labels = rights.labels(sum(actions))
    assert len(labels) == len(actions)
    order = [label for label, _ in rights.LABELS.values()]
    assert labels == sorted(labels, key=order.index)
