"""A dataset's gallery shows small copies of large pictures, whichever way they came in."""

import io

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.urls import reverse
from PIL import Image

from analysis.datasets.formats import coco
from analysis.datasets.types import LabelledPicture, LabelledSet
from tests.workers.datasets.test_transfer_files import come, packed
from webapp.datasets.dataset import Dataset
from webapp.datasets.samples import Sample
from workers.datasets.pictures import shown
from workers.datasets.thumbs import keep_thumb, thumbs

pytestmark = pytest.mark.django_db(transaction=True)
LARGE = (4000, 1500)


@pytest.fixture
def dataset(project, analyst):
    return Dataset.objects.begin(project, "Boards", by=analyst)


@pytest.fixture
def photograph(tmp_path):
    """photograph(size): a noisy PNG, which is heavy for its size."""

    def make(size):
        path = tmp_path / f"{size[0]}x{size[1]}.png"
        noise = np.random.default_rng(1).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
        Image.fromarray(noise).save(path, compress_level=0)
        return path

    return make


def bare(dataset, data: bytes, size=LARGE, name="old.jpg") -> Sample:
    """A sample as they were stored before there were small copies."""
    file = default_storage.save(f"samples/{name}", ContentFile(data))
    sizes = {"width": size[0], "height": size[1]}
    return dataset.samples.create(source=name, file=file, sha256="a" * 64, **sizes)


def pixels_of(name: str) -> tuple[int, int]:
    with default_storage.open(name) as file, Image.open(file) as picture:
        return picture.size


def test_an_imported_photograph_is_shown_small_by_a_signed_link(
    dataset, analyst, client_for, tmp_path, photograph
):
    picture = LabelledPicture("a.png", *LARGE)
    one = LabelledSet("boxes", ("Kestrel",), (picture,))
    come(dataset, analyst, packed(tmp_path, one, coco, lambda p: photograph(LARGE)))
    sample = dataset.samples.get()
    assert pixels_of(sample.thumb) == (480, 180)
    assert pixels_of(sample.file) == LARGE
    browser = client_for(analyst)
    page = browser.get(reverse("dataset", args=[dataset.pk]))
    (tile,) = page.context["tiles"]
    answer = browser.get(tile.link)
    small = b"".join(answer.streaming_content)
    assert answer["Content-Type"] == "image/jpeg"
    assert len(small) < default_storage.size(sample.file) / 50
    assert browser.get(f"{tile.link[:-1]}x").status_code in (403, 404)


@pytest.mark.parametrize(
    ("size", "n_bytes", "has_thumb"),
    [
        ((480, 480), 500_000, False),
        ((640, 384), 30_000, False),
        ((640, 384), 100_000, True),
        ((961, 300), 10_000, True),
    ],
)
def test_only_what_is_heavy_gets_a_small_copy(dataset, size, n_bytes, has_thumb):
    image = np.zeros((size[1], size[0], 3), np.uint8)
    assert bool(keep_thumb(dataset, "b" * 64, image, n_bytes)) == has_thumb


def test_pictures_from_before_get_one_when_the_gallery_is_looked_at(
    dataset, analyst, client_for, photograph
):
    sample = bare(dataset, photograph(LARGE).read_bytes())
    browser, address = client_for(analyst), reverse("dataset", args=[dataset.pk])
    (tile,) = browser.get(address).context["tiles"]
    before = sample.changed, sample.version
    thumbs(dataset.pk)
    (small,) = browser.get(address).context["tiles"]
    assert small.link != tile.link
    sample.refresh_from_db()
    assert pixels_of(sample.thumb) == (480, 180)
    assert (sample.changed, sample.version) == before
    assert not Sample.objects.without_thumb().exists()


def test_a_picture_that_cannot_be_read_is_asked_for_once(dataset, photograph):
    broken = bare(dataset, b"not a picture", name="broken.jpg")
    good = bare(dataset, photograph(LARGE).read_bytes())
    gone = bare(dataset, b"x", name="gone.jpg")
    default_storage.delete(gone.file)
    thumbs(dataset.pk)
    for sample in (broken, good, gone):
        sample.refresh_from_db()
    assert (broken.thumb, gone.thumb) == (broken.file, gone.file)
    assert good.thumb.endswith(".thumb.jpg")
    assert not Sample.objects.without_thumb().exists()


def test_small_pictures_ask_for_nothing(dataset):
    data = io.BytesIO()
    Image.new("RGB", (64, 48)).save(data, "JPEG")
    bare(dataset, data.getvalue(), (64, 48))
    assert not Sample.objects.without_thumb().exists()


def test_other_pixels_under_the_same_name_get_another_small_copy(dataset, photograph):
    first = shown(photograph(LARGE)).keep(dataset, "a.png")
    again = shown(photograph((1000, 3000))).keep(dataset, "a.png")
    assert first.pk == again.pk
    assert pixels_of(again.thumb) == (160, 480)
