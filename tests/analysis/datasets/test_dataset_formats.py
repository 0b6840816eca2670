"""What goes out in a format comes back as it was, as far as the format can hold it."""

from dataclasses import replace

import pytest
from hypothesis import given, settings

from analysis.datasets.fidelity import reduced
from analysis.datasets.formats import coco, voc, yolo
from analysis.datasets.formats.cvat import pictures as cvat
from analysis.datasets.formats.ground_truth import pictures as ground_truth
from analysis.datasets.formats.label_studio import pictures as label_studio
from analysis.datasets.types import LabelledSet
from tests.analysis.datasets.labelled_sets import comparable, labelled_sets, round_trip


def name(module):
    return module.__name__.split(".")[-1]


FORMATS = [yolo, coco, voc, cvat, label_studio, ground_truth]


@pytest.mark.parametrize("module", FORMATS, ids=name)
@given(labelled=labelled_sets())
@settings(max_examples=40)
def test_out_and_in_again_is_the_identity_for_what_the_format_can_hold(module, labelled):
    back, said, problems = round_trip(labelled, module.write, module.read)
    kept = reduced(labelled, module.HOLDS)
    assert comparable(back) == comparable(kept)
    assert not [p for p in [*said, *problems] if p.is_error]
    named = replace(kept, name=labelled.name)
    assert bool(said) == (comparable(named) != comparable(labelled))


@pytest.mark.parametrize("module", [yolo, coco, voc, cvat, label_studio], ids=name)
def test_an_empty_set_keeps_its_labels(module):
    empty = LabelledSet("boxes", ("Kestrel", "Norra Bank"), ())
    assert round_trip(empty, module.write, module.read) == (empty, [], [])
