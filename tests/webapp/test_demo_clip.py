"""The demo goes on while people use its site, whatever they delete there."""

from __future__ import annotations

import pytest

from tests.spoken import SOUND, a_speaking_worker
from webapp.indexing.demo_clip import DemoWords
from webapp.indexing.indexing import Indexing

pytestmark = pytest.mark.django_db


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def words(asset, owner, said) -> DemoWords:
    """Its clip is ready, and all that can be asked for is."""
    asset.probe = SOUND
    asset.save()
    a_speaking_worker()
    asked = DemoWords(asset, ["Acme"], owner, said.append)
    asked.tend()
    assert Indexing.objects.filter(asset=asset).exists()
    assert not asked.is_over
    return asked


def test_a_clip_that_is_deleted_and_erased_ends_nothing(words, asset, said):
    asset.remove(by=None)
    words.tend()
    asset.erase()
    words.tend()
    assert words.is_over
    assert said == []


def test_what_is_deleted_of_its_words_is_not_waited_for(words, asset):
    for indexing in Indexing.objects.filter(asset=asset):
        indexing.remove(by=None)
    words.tend()
    assert words.is_over
