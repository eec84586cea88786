"""Execution against its definition: three-valued logic, object by object, remembering nothing."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st
from language_strategies import layouts, programs

from rs2sam2.data.language.english_rules import EnglishRules
from rs2sam2.data.language.evaluate import Interpreter, evaluate
from rs2sam2.data.language.layout import Layout
from rs2sam2.data.language.program import (
    Color,
    Comparison,
    Constraint,
    Extreme,
    Position,
    Program,
    Quantity,
    Relation,
    Selection,
    Shape,
    Size,
)
from rs2sam2.data.language.rules import Truth, both

RULES = EnglishRules()


@given(layouts(), programs(long=True))
def test_execution_is_three_valued_logic(layout: Layout, program: Program) -> None:
    truths = truths_of(program.select, layout)
    extension = evaluate(program, layout, RULES)
    assert extension.certain == {i for i, truth in truths.items() if truth}
    assert extension.possible == {i for i, truth in truths.items() if truth is not False}


@given(layouts(), st.lists(programs(), min_size=1, max_size=6))
def test_what_is_remembered_changes_no_answer(layout: Layout, several: list[Program]) -> None:
    """Each program twice: the second time all is remembered."""
    reading = Interpreter(layout, RULES)
    for program in several * 2:
        assert reading.run(program.select) == evaluate(program, layout, RULES)


def truths_of(selection: Selection, layout: Layout) -> dict[int, Truth]:
    """Whether each object of the class is meant. All are wholly visible."""
    truths: dict[int, Truth] = dict.fromkeys(layout.candidates(selection.category), True)
    for constraint in selection.where:
        holds = {i: holds_for(constraint, i, truths, layout, selection) for i in truths}
        truths = {i: both(truth, holds[i]) for i, truth in truths.items()}
    if isinstance(selection.quantity, int):
        possible = [i for i, truth in truths.items() if truth is not False]
        certain = [i for i, truth in truths.items() if truth]
        if len(possible) < selection.quantity or len(certain) > selection.quantity:
            return {}
        if certain != possible:
            return dict.fromkeys(possible, None)
    return truths


def holds_for(constraint: Constraint, i: int, truths: dict[int, Truth], layout: Layout, selection: Selection) -> Truth:
    """Whether a constraint of a selection holds for object i, where `truths` are still in."""
    o, objects = layout.objects[i], layout.objects
    category, quantity = selection.category, selection.quantity
    rivals = {j: truth for j, truth in truths.items() if truth is not False}
    match constraint:
        case Position(region, far):
            return RULES.position(o, region, far, layout)
        case Size(word):
            return RULES.size(o, word, layout, category)
        case Color(names):
            return RULES.color(o, names)
        case Shape(word):
            return RULES.shape(o, word)
        case Extreme(by, rank):
            ahead = {j: RULES.ranks_before(objects[j], o, by, layout) for j in rivals if j != i}
            return is_number(rank, ahead, rivals, quantity)
    assert isinstance(constraint, Relation | Comparison)
    anchors = {a: truth for a, truth in truths_of(constraint.anchor, layout).items() if truth is not False}
    if isinstance(constraint, Relation) and constraint.word == "closest to":
        if not anchors:
            return False
        if list(anchors.values()) != [True] or rivals.keys() & anchors.keys():
            return None
        anchor = objects[next(iter(anchors))]
        ahead = {j: RULES.nearer(objects[j], o, anchor, layout) for j in rivals if j != i}
        return is_number(1, ahead, rivals, quantity)
    others = {a: truth for a, truth in anchors.items() if a != i}
    of_each = {
        a: RULES.comparison(o, constraint.degree, objects[a])
        if isinstance(constraint, Comparison)
        else RULES.relation(o, constraint.word, objects[a], layout)
        for a in others
    }
    said = set(of_each.values())
    if said <= {False}:
        return False
    if constraint.anchor.quantity == "some":
        return True if any(truth is True and anchors[a] for a, truth in of_each.items()) else None
    if constraint.anchor.quantity != "one" and False in said and all(anchors.values()):
        return False
    return True if said == {True} and any(others.values()) else None


def is_number(rank: int, ahead: Mapping[int, Truth], rivals: Mapping[int, Truth], quantity: Quantity) -> Truth:
    """Whether something has this rank, or one of as many as are asked for, by who is ahead of it."""
    surely = sum(bool(truth and rivals[j]) for j, truth in ahead.items())
    perhaps = sum(truth is not False for truth in ahead.values())
    wanted = range(rank, rank + (quantity if isinstance(quantity, int) else 1))
    its = range(surely + 1, perhaps + 2)  # the ranks it may have
    if set(its) <= set(wanted):
        return True
    return None if set(its) & set(wanted) else False
