"""A document is what its operations add up to, whatever two pages send."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from webapp.labelling import documents
from webapp.labelling.documents import Rules
from webapp.labelling.working import Asked, take

RULES = Rules(False, 0, {1: "Kestrel", 2: "Norra Bank"}, {3: "Gone"})
names = st.sampled_from(["s-1", "s-2", "s-3"])
boxes = st.lists(st.floats(-0.5, 1.5), min_size=4, max_size=4)
shapes = st.fixed_dictionaries({"label": st.integers(0, 4), "box": boxes})
changes = st.one_of(
    st.builds(lambda name, shape: {"put": name, "shape": shape}, names, shapes),
    st.builds(lambda name: {"delete": name}, names),
    st.builds(lambda nothing: {"nothing": nothing}, st.booleans()),
)
asked = st.builds(Asked, st.uuids().map(str), changes, st.integers(0, 12))
requests = st.lists(st.lists(asked, max_size=5), max_size=6)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["put", "shape", "label", "box", "keys", "delete", "nothing", "0"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


def played(sent):
    """The document after these requests, and every operation that was kept."""
    document, version, made = documents.empty(), 0, []
    for request in sent:
        known = {key: (number, change) for number, key, change, _ in made}
        taken = take(document, version, request, known, RULES)
        made += taken.made
        version = taken.version
    return document, made


@given(requests)
def test_the_operations_add_up_to_the_document(sent):
    document, made = played(sent)
    assert [number for number, *_ in made] == list(range(1, len(made) + 1))
    assert documents.replay((number, change) for number, _, change, _ in made) == document
    assert not (document["nothing"] and document["shapes"])
    for shape in document["shapes"].values():
        x1, y1, x2, y2 = shape["box"]
        assert 0 <= x1 < x2 <= 1
        assert 0 <= y1 < y2 <= 1
        assert shape["label"] in RULES.labels


@given(requests, st.data())
def test_any_earlier_state_can_be_reached_from_any_later(sent, data):
    document, made = played(sent)
    number = data.draw(st.integers(0, len(made)))
    wanted = documents.replay((n, change) for n, _, change, _ in made if n <= number)
    for i, change in enumerate(documents.leading_to(wanted, document)):
        documents.apply(document, change, len(made) + i + 1)
    bare = [
        {name: documents.without_rev(shape) for name, shape in one["shapes"].items()}
        for one in (document, wanted)
    ]
    assert bare[0] == bare[1]
    assert document["nothing"] == wanted["nothing"]


@given(requests)
def test_sending_everything_again_changes_nothing(sent):
    document, made = played(sent)
    known = {key: (number, change) for number, key, change, _ in made}
    kept = [one for request in sent for one in request if one.key in known]
    again = take(document, len(made), kept, known, RULES)
    assert not again.made
    assert not again.conflicts
    assert again.version == len(made)


@given(st.lists(asked, max_size=6), st.lists(asked, max_size=6))
def test_nothing_is_overwritten_unseen(theirs, mine):
    """What another page changed stays as it is, unless I named the state that it made."""
    document, made = played([theirs])
    before = {name: dict(shape) for name, shape in document["shapes"].items()}
    taken = take(document, len(made), mine, {}, RULES)
    for name, shape in before.items():
        if document["shapes"].get(name) != shape:
            revs = [one.rev for one in mine if documents.subject(one.change) == name]
            assert shape["rev"] in revs
    for conflict in taken.conflicts:
        assert conflict["key"] not in [key for _, key, *_ in taken.made]


@given(anything, st.booleans(), st.integers(0, 5))
def test_no_input_breaks_the_reading(change, is_concept, n_frames):
    rules = Rules(is_concept, n_frames, RULES.labels, RULES.gone)
    document = documents.empty()
    taken = take(document, 0, [Asked("k", change, 0)], {}, rules)
    assert len(taken.made) + len(taken.refused) + len(taken.conflicts) == 1
    assert documents.said(document, n_frames) is not None
