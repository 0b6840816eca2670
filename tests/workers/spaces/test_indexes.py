"""What is encoded is found by what it looks like; what is deleted is not; spaces are not mixed."""

from __future__ import annotations

import shutil
from pathlib import Path

import boto3
import numpy as np
import pytest
from django.core.files.storage import default_storage
from moto import mock_aws

from analysis.crossmodal.pictures import LogoEncoder
from analysis.crossmodal.watching import watch_picture
from analysis.errors import UnusableModel
from tests.encoded import (
    a_worker_that_encodes,
    carry_out,
    encoded,
    film_in,
    index_all,
    picture,
    shots_film,
    space_of,
)
from webapp.encodings.kept import Encodings
from webapp.indexing.indexing import Indexing
from webapp.spaces import parts, searching
from webapp.spaces.codes import Code
from webapp.spaces.indexes import IndexPart, SpaceIndex, item_of, key_of
from webapp.spaces.searching import encoded as encoded_of
from webapp.spaces.searching import nearest, read_space
from webapp.spaces.space import Space

pytestmark = pytest.mark.django_db


@pytest.fixture
def films(workspace, asset_in):
    """Two films of ten seconds: shots of the pictures 100 to 102, and 200 to 202."""
    a_worker_that_encodes()
    return [
        encoded(
            asset_in(workspace, f"film-{n}.mp4"),
            *((100 * n + number, seconds) for number, seconds in enumerate((4, 3, 3))),
        )
        for n in (1, 2)
    ]


@pytest.fixture
def space(films, workspace) -> Space:
    made = space_of(workspace)
    assert made.state == Space.State.COMING
    index_all()
    made.refresh_from_db()
    return made


def ask(space: Space, number: int, modality: str = "picture", *, owners=None, count: int = 5):
    """What is nearest to a picture that a film may have shown."""
    one = watch_picture(picture(number), LogoEncoder()).encoded(0)
    placed = read_space(space).place("picture", [one])
    there = space.workspace.assets.values_list("pk", flat=True)
    every = np.array(list(there) if owners is None else owners, np.int64)
    return nearest(space, modality, "picture", placed, count, owners=every)


def test_a_space_serves_once_it_is_indexed_and_finds_the_moment(films, space):
    assert space.state == Space.State.SERVING
    first, second = films
    hits = ask(space, 101)
    assert (hits[0].asset, hits[0].frames) == (first.pk, 1)
    assert 4 <= hits[0].time_s < 7, "the second shot"
    assert hits[0].start_s <= hits[0].time_s < hits[0].end_s
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert ask(space, 202)[0].asset == second.pk
    assert {hit.asset for hit in ask(space, 101, owners=[second.pk])} == {second.pk}
    assert ask(space, 101, owners=[]) == []


def test_the_reason_can_be_told_of_what_is_found(films, space):
    hit = ask(space, 101)[0]
    one = watch_picture(picture(101), LogoEncoder()).encoded(0)
    shared = read_space(space).explain("picture", one, hit.modality, encoded_of(hit))
    assert shared[0].in_item[0][0].box is not None
    clip = ask(space, 101, "clip")[0]
    assert clip.frames > 1
    assert encoded_of(clip).places[0].start_s == 0
    assert (clip.start_s, clip.end_s) != (hit.start_s, hit.end_s)


def test_clips_are_the_shots_of_the_newest_run(films, workspace, project, owner):
    from webapp.runs.found import Shot
    from webapp.runs.run import Run

    run = Run.objects.create(
        asset=films[0],
        project=project,
        status=Run.Status.SUCCEEDED,
        input_hash="",
        software_version="",
        duration_s=10,
    )
    for index, (start_s, end_s) in enumerate(((0, 4), (4, 7), (7, 10))):
        Shot.objects.create(run=run, index=index, start_s=start_s, end_s=end_s)
    space = space_of(workspace)
    index_all()
    hit = ask(space, 101, "clip", owners=[films[0].pk])[0]
    assert (hit.start_s, hit.end_s) == pytest.approx((4, 7), abs=0.3)
    assert len(ask(space, 101, "clip", owners=[films[0].pk])) == 3
    assert len(ask(space, 101, "clip", owners=[films[1].pk])) == 1, "without a run: ten seconds"


def test_what_is_encoded_later_is_found_too_and_what_is_deleted_goes(
    films, space, tmp_path, workspace, owner
):
    later = film_in(workspace, shots_film(tmp_path / "later.mp4", 3, of=3))
    carry_out(Indexing.objects.request(later, "pictures", by=None))
    assert SpaceIndex.objects.filter(status="waiting").count() == 2, "it asked for it"
    index_all()
    assert ask(space, 300)[0].asset == later.pk
    index = SpaceIndex.objects.get(modality="picture")
    assert set(index.placed) == {str(asset.pk) for asset in (*films, later)}
    later.remove(by=owner)
    assert all(hit.asset != later.pk for hit in ask(space, 300)), "gone at once"
    SpaceIndex.objects.request_for(workspace)
    index_all()
    index.refresh_from_db()
    assert str(later.pk) not in index.placed
    assert index.n_items == sum(Encodings.objects.in_sight().values_list("n_items", flat=True))


def test_a_muted_code_has_no_say(films, space):
    before = ask(space, 101)
    n_codes = len(read_space(space).codebook)
    every = [Code(space=space, number=n, is_muted=True) for n in range(n_codes)]
    Code.objects.bulk_create(every)
    muted = ask(space, 101)
    assert muted[0].codes == pytest.approx(0, abs=1e-3)
    assert muted[0].near == pytest.approx(before[0].near)
    assert muted[0].score == pytest.approx(muted[0].near, abs=1e-3)


def test_the_next_space_serves_when_all_is_placed_and_versions_are_not_mixed(
    films, space, workspace, django_capture_on_commit_callbacks
):
    coming = space_of(workspace, seed=5)
    assert coming.version != space.version
    one, *_ = SpaceIndex.objects.filter(space=coming, status="waiting")
    from workers.spaces.indexes import index_space

    index_space(one.pk)
    coming.refresh_from_db()
    assert coming.state == Space.State.COMING, "one of two indexes"
    assert ask(space, 101), "the old one answers meanwhile"
    with django_capture_on_commit_callbacks(execute=True):
        index_all()
    coming.refresh_from_db()
    space.refresh_from_db()
    assert (coming.state, space.state) == (Space.State.SERVING, Space.State.KEPT)
    assert ask(coming, 101)
    assert not SpaceIndex.objects.filter(space=space).exists(), "nothing of it stays behind"
    assert len(list(Path(default_storage.path("spaces")).rglob("*.tar"))) == 2


def test_what_is_damaged_is_told_and_encoded_again(films, workspace, owner):
    row = Encodings.objects.get(asset=films[0])
    space = space_of(workspace)
    Path(default_storage.path(row.file)).write_bytes(b"nothing of the kind")
    index_all()
    index = SpaceIndex.objects.get(modality="picture")
    assert index.notes == [
        "film-1.mp4: what was encoded of it is damaged or gone. It is being encoded again."
    ]
    assert {hit.asset for hit in ask(space, 101)} == {films[1].pk}, "the others are found"
    again = Indexing.objects.get(asset=films[0], version=2)
    assert again.status == "waiting"
    again.remove(by=owner)
    encoded(films[0], (100, 4), (101, 3), version=3)
    SpaceIndex.objects.request_for(workspace)
    index_all()
    index.refresh_from_db()
    assert index.notes == []
    assert ask(space, 101)[0].asset == films[0].pk


def test_an_index_of_which_a_part_is_damaged_is_built_anew(films, space):
    part = IndexPart.objects.filter(index__modality="picture").get()
    Path(default_storage.path(part.file)).write_bytes(b"nothing of the kind")
    shutil.rmtree(parts.folder_of(part.index_id))
    with pytest.raises(UnusableModel, match="is damaged: it is built anew"):
        ask(space, 101)
    index_all()  # nobody but who searched has asked for it
    assert ask(space, 101)[0].asset == films[0].pk


def test_a_copy_that_a_power_cut_left_empty_is_fetched_again(films, space, workspace):
    part = IndexPart.objects.filter(index__modality="picture").get()
    column = parts.folder_of(part.index_id) / part.name / "vectors.npy"
    column.write_bytes(b"")
    searching.forget()
    assert ask(space, 101)[0].asset == films[0].pk
    column.unlink()
    column.write_bytes(b"")
    SpaceIndex.objects.request_for(workspace)
    index_all()
    assert IndexPart.objects.filter(index__modality="picture").get() == part, "not built anew"
    searching.forget()
    assert ask(space, 202)[0].asset == films[1].pk


def test_keys_say_what_they_name():
    assert item_of(key_of(2**32, 2**20 - 1, 127)) == (2**32, 2**20 - 1, 127)
    assert key_of(2**32, 2**20 - 1, 127) < 2**63


@pytest.fixture
def bucket(settings):
    with mock_aws():
        made = boto3.resource("s3", region_name="us-east-1").create_bucket(Bucket="media")
        settings.S3_BUCKET = "media"
        settings.STORAGES = {
            **settings.STORAGES,
            "default": {
                "BACKEND": "storages.backends.s3.S3Storage",
                "OPTIONS": {"bucket_name": "media", "region_name": "us-east-1"},
            },
        }
        yield made


def test_from_a_bucket_parts_are_copied_once_and_told_when_they_are_gone(
    bucket, films, space, settings
):
    assert ask(space, 101)[0].asset == films[0].pk
    assert encoded_of(ask(space, 101)[0]).places
    part = IndexPart.objects.get(index__modality="picture")
    assert part.file in {item.key for item in bucket.objects.all()}
    here = parts.folder_of(part.index_id) / part.name
    shutil.rmtree(here)
    searching.forget()  # another process, on another machine
    assert ask(space, 202)[0].asset == films[1].pk
    assert here.is_dir(), "it was fetched"
    shutil.rmtree(here)
    searching.forget()
    bucket.Object(part.file).delete()
    with pytest.raises(UnusableModel, match="is missing: it is built anew"):
        ask(space, 101)
