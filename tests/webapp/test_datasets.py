"""Datasets: beginning one, filling it, changing pictures, freezing versions; and what strangers,
labellers and viewers may not."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from analysis.datasets.types import LabelledBox
from analysis.types import Box
from webapp.accounts.models import Refused
from webapp.assets.models import Asset
from webapp.datasets.dataset import Dataset
from webapp.datasets.logos import LogoFile
from webapp.datasets.samples import Sample
from webapp.datasets.transfers import Transfer
from webapp.datasets.versions import DatasetVersion
from webapp.leases import Status
from webapp.projects.models import Project
from webapp.templatetags.show import named
from webapp.training.models import Evaluation

HTMX = {"HTTP_HX_REQUEST": "true"}
BOX = Box(0.1, 0.2, 0.5, 0.6)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M1 1h6v6z"/></svg>'


def png(colour="red", size=(64, 48)) -> bytes:
    image = Image.new("RGB", size, "white")
    image.paste(colour, (8, 8, size[0] - 8, size[1] - 8))
    data = io.BytesIO()
    image.save(data, "PNG")
    return data.getvalue()


def upload(name: str, data: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data)


@pytest.fixture
def at_work(analyst, client_for):
    return client_for(analyst)


@pytest.fixture
def dataset(project, analyst):
    return Dataset.objects.begin(project, "Boards", by=analyst)


@pytest.fixture
def concepts(project, analyst):
    return Dataset.objects.begin(project, "Moods", task="concept", by=analyst)


@pytest.fixture
def add():
    """add(dataset, "a.jpg", "Kestrel"): a picture with a box of each of these labels."""
    from django.core.files.storage import default_storage

    def make(dataset, source: str, *labels: str, state: str = "", **more) -> Sample:
        file = f"samples/{source}"
        if not default_storage.exists(file):
            default_storage.save(file, ContentFile(png()))
        values = {"file": file, "sha256": source.ljust(64, "0"), "width": 64, "height": 48}
        sample = dataset.add_picture(source=source, **(values | more))
        if labels or state == "labelled":
            if dataset.task == "boxes":
                sample.annotate([LabelledBox(name, BOX) for name in labels], by=None)
            else:
                sample.set_labels(labels, by=None)
        return sample

    return make


@pytest.fixture
def version(dataset, add):
    """A frozen version of two pictures."""
    from django.core.files.storage import default_storage

    from analysis.datasets.split import Recipe, divide
    from analysis.datasets.statistics import statistics
    from analysis.datasets.version import content_hash, pack

    add(dataset, "a.jpg", "Kestrel", "Norra Bank")
    add(dataset, "b.jpg", state="labelled")
    recipe = Recipe()
    divided, remarks = divide(dataset.as_labelled_set(), recipe)
    return DatasetVersion.objects.create(
        dataset=dataset,
        number=1,
        recipe=recipe.as_json(),
        status=Status.DONE,
        file=default_storage.save("versions/1.json.gz", ContentFile(pack(divided))),
        sha256=content_hash(divided),
        counts=statistics(divided) | {"remarks": list(remarks)},
    )


# --- the verbs -------------------------------------------------------------------------------


def test_a_picture_of_the_same_name_replaces_and_the_newest_wins(dataset, add):
    before = add(dataset, "a.jpg", "Kestrel")
    same = add(dataset, "a.jpg")
    assert same.pk == before.pk
    assert same.annotations.count() == 1  # the same bytes: what was said of them holds
    other = add(dataset, "a.jpg", sha256="f" * 64, width=100)
    assert (other.pk, other.width, other.state) == (before.pk, 100, "new")
    assert other.annotations.count() == 0
    assert dataset.samples.count() == 1


def test_a_removed_picture_that_comes_again_is_back(dataset, add, analyst):
    sample = add(dataset, "a.jpg")
    dataset.remove_pictures([sample.pk], by=analyst)
    assert dataset.samples.current().count() == 0
    add(dataset, "a.jpg")
    assert dataset.samples.current().count() == 1


def test_annotations_are_cut_to_the_picture_said_once_and_replaced(dataset, add):
    sample = add(dataset, "a.jpg", "Vitalo")
    box = Box(-0.2, 0.5, 0.4, 1.3)
    sample.annotate([LabelledBox("kestrel", box), LabelledBox("Kestrel", box)], by=None)
    (annotation,) = sample.annotations.all()
    assert annotation.box == (0.0, 0.5, 0.4, 1.0)
    assert (sample.state, sample.version) == ("labelled", 3)


@pytest.mark.parametrize(
    ("label", "box", "sentence"),
    [
        ("Nobody", BOX, "no label called Nobody"),
        ("Kestrel", Box(0.5, 0.5, 0.5, 0.9), "no area"),
        ("Kestrel", Box(1.2, 0.1, 1.5, 0.4), "no area"),
        ("Kestrel", Box(0.5, 0.1, float("nan"), 0.4), "no area"),
    ],
)
def test_what_cannot_be_an_annotation_is_refused_and_nothing_is_lost(
    dataset, add, label, box, sentence
):
    sample = add(dataset, "a.jpg", "Kestrel")
    with pytest.raises(Refused, match=sentence):
        sample.annotate([LabelledBox("Vitalo", BOX), LabelledBox(label, box)], by=None)
    assert [a.label.name for a in sample.annotations.all()] == ["Kestrel"]


def test_frames_are_read_with_the_names_of_their_videos_and_nothing_else_of_them(
    pictures, asset, django_assert_num_queries
):
    """A video's table of frames and streams is large, and a dataset has thousands of its frames."""
    dataset = pictures(3)
    dataset.samples.update(asset=asset, time_s=1.5)
    with django_assert_num_queries(3) as asked:
        found = dataset.as_labelled_set()
    assert {picture.video for picture in found.pictures} == {asset.name}
    assert not any("probe" in query["sql"] for query in asked.captured_queries)


def test_a_dataset_as_values(dataset, add):
    add(dataset, "a.jpg", "Kestrel", given_split="test", is_golden=True)
    add(dataset, "b.jpg", origin="synthetic", state="labelled")
    add(dataset, "c.jpg")
    labelled = dataset.as_labelled_set()
    assert labelled.labels == ("Kestrel", "Norra Bank", "Vitalo")
    a, b, c = labelled.pictures
    assert (a.source, a.split, a.is_golden) == ("a.jpg", "test", True)
    assert a.boxes == (LabelledBox("Kestrel", BOX),)
    assert (b.is_synthetic, b.is_labelled, c.is_labelled) == (True, True, False)


def test_boxes_of_a_removed_label_are_left_out(dataset, add, project, analyst):
    add(dataset, "a.jpg", "Kestrel", "Vitalo")
    project.labels.get(name="Vitalo").archive(by=analyst)
    (picture,) = dataset.as_labelled_set().pictures
    assert [b.label for b in picture.boxes] == ["Kestrel"]


def test_versions_are_numbered_and_need_something_labelled(dataset, add, analyst):
    add(dataset, "a.jpg")
    with pytest.raises(Refused, match="nothing to freeze"):
        DatasetVersion.objects.request(dataset, by=analyst)
    add(dataset, "b.jpg", "Kestrel")
    numbers = [DatasetVersion.objects.request(dataset, by=analyst).number for _ in range(3)]
    assert numbers == [1, 2, 3]


# --- beginning -------------------------------------------------------------------------------


def start(client, **changes):
    values = {"way": "boxes", "name": "Boards", "labels": "Kestrel\nNorra Bank"} | changes
    return client.post(reverse("dataset-start"), values)


@pytest.mark.parametrize(("way", "task"), [("boxes", "boxes"), ("concept", "concept")])
def test_a_training_project_begins_with_labels(at_work, way, task):
    answer = start(at_work, way=way)
    dataset = Dataset.objects.get()
    assert answer.url == reverse("dataset", args=[dataset.pk])
    assert (dataset.task, dataset.project.name) == (task, "Boards")
    assert [label.name for label in dataset.project.labels.all()] == ["Kestrel", "Norra Bank"]


def test_a_training_project_begins_with_logo_files_alone(at_work):
    files = [upload("norra-bank_logo.svg", SVG), upload("Kestrel.png", png())]
    answer = start(at_work, way="logo", labels="", logos=files)
    dataset = Dataset.objects.get()
    assert answer.url == reverse("dataset-synthesis", args=[dataset.pk])
    assert {f.label.name: f.file[-3:] for f in LogoFile.objects.all()} == {
        "norra bank": "svg",
        "Kestrel": "png",
    }
    assert dataset.project.labels.get(name="Kestrel").references.count() == 1


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"labels": ""}, "at least one label"),
        ({"labels": "x" * 61}, "60 letters"),
        ({"labels": ",".join(f"b{n}" for n in range(251))}, "250 labels at most"),
        ({"name": ""}, "required"),
        ({"name": "harbour cup"}, "already"),
        ({"way": "logo", "labels": ""}, "Choose a logo file"),
        ({"way": "magic"}, "Select a valid choice"),
    ],
)
def test_what_cannot_begin_is_refused_in_words(at_work, project, changes, sentence):
    answer = start(at_work, **changes)
    assert answer.status_code == 422
    if sentence != "Select a valid choice":
        assert sentence in answer.content.decode()
    assert Project.objects.count() == 1


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("x.png", b"not a picture", "not a PNG, JPEG or WebP"),
        ("x.svg", SVG + b" " * (6 << 20), "larger than"),
        ("flat.png", png(colour="white"), "one flat colour"),
    ],
)
def test_a_file_that_is_no_logo_begins_nothing(at_work, name, data, sentence):
    answer = start(at_work, way="logo", labels="", logos=[upload(name, data)])
    assert sentence in answer.content.decode()
    assert Project.objects.count() == 0


def test_a_dataset_is_made_within_a_project(at_work, project, dataset):
    address = reverse("datasets", args=[project.pk])
    answer = at_work.post(address, {"name": "Shirts", "task": "concept"})
    assert answer.url == reverse("dataset", args=[Dataset.objects.get(name="Shirts").pk])
    again = at_work.post(address, {"name": "shirts", "task": "boxes"})
    assert again.status_code == 422
    assert "already" in again.content.decode()
    assert "Shirts" in at_work.get(address).content.decode()


# --- the gallery -----------------------------------------------------------------------------


def shown(client, dataset, **query) -> set[str]:
    answer = client.get(reverse("dataset", args=[dataset.pk]), query)
    return {tile.sample.source for tile in answer.context["tiles"]}


def test_the_gallery_is_filtered(at_work, dataset, add, project):
    add(dataset, "a.jpg", "Kestrel")
    add(dataset, "b.jpg", "Vitalo", "Kestrel", origin="frame")
    add(dataset, "c.jpg", state="labelled", is_golden=True)
    add(dataset, "d.jpg", given_split="val")
    add(dataset, "made.jpg", "Vitalo", origin="synthetic")
    vitalo = project.labels.get(name="Vitalo").pk
    assert shown(at_work, dataset) == {"a.jpg", "b.jpg", "c.jpg", "d.jpg", "made.jpg"}
    assert shown(at_work, dataset, label=vitalo) == {"b.jpg", "made.jpg"}
    assert shown(at_work, dataset, state="nothing") == {"c.jpg"}
    assert shown(at_work, dataset, state="new") == {"d.jpg"}
    assert shown(at_work, dataset, split="golden") == {"c.jpg"}
    assert shown(at_work, dataset, split="val") == {"d.jpg"}
    assert shown(at_work, dataset, origin="frame") == {"b.jpg"}
    assert shown(at_work, dataset, origin="synthetic", label=vitalo) == {"made.jpg"}
    assert shown(at_work, dataset, q="MADE") == {"made.jpg"}
    assert len(shown(at_work, dataset, label="nonsense", state="x")) == 5


def test_whole_picture_labels_are_filtered_too(at_work, concepts, add, project):
    add(concepts, "a.jpg", "Kestrel")
    add(concepts, "b.jpg", "Vitalo", "Kestrel")
    add(concepts, "c.jpg", state="labelled")
    for name, sources in [("Kestrel", {"a.jpg", "b.jpg"}), ("Vitalo", {"b.jpg"})]:
        pk = project.labels.get(name=name).pk
        assert shown(at_work, concepts, label=pk) == sources
    assert shown(at_work, concepts, state="nothing") == {"c.jpg"}


def test_boxes_are_drawn_in_pixels_of_the_picture(at_work, dataset, add):
    add(dataset, "a.jpg", "Kestrel", width=200, height=100)
    page = at_work.get(reverse("dataset", args=[dataset.pk])).content.decode()
    assert 'viewBox="0 0 200 100"' in page
    assert '<rect x="20.0" y="20.0" width="80.0" height="40.0"' in page


def test_thousands_of_pictures_are_paged_and_cost_few_queries(
    at_work, dataset, django_assert_max_num_queries
):
    Sample.objects.bulk_create(
        Sample(dataset=dataset, source=f"{n}", file="x", sha256="0", width=9, height=9)
        for n in range(3000)
    )
    with django_assert_max_num_queries(25):
        answer = at_work.get(reverse("dataset", args=[dataset.pk]), {"page": 50})
    assert len(answer.context["tiles"]) == 60
    assert "2941 to 3000 of 3000" in answer.content.decode()


def test_htmx_gets_the_gallery_alone(at_work, dataset, add):
    add(dataset, "a.jpg")
    headers = HTMX | {"HTTP_HX_TARGET": "gallery"}
    answer = at_work.get(reverse("dataset", args=[dataset.pk]), **headers)
    assert "<html" not in answer.content.decode()


def test_one_picture_large(at_work, dataset, add):
    add(dataset, "before.jpg")
    sample = add(dataset, "a.jpg", "Kestrel")
    page = at_work.get(reverse("sample", args=[sample.pk])).content.decode()
    assert "Kestrel" in page
    assert 'rel="next"' in page


# --- changing pictures -----------------------------------------------------------------------


def test_a_picture_is_called_by_its_file_not_by_its_address(at_work, dataset, add):
    address = "s3://a-bucket/2020/08/27/board 7.jpg"
    sample = add(dataset, "board.jpg")
    type(sample).objects.filter(pk=sample.pk).update(source=address)
    page = at_work.get(reverse("sample", args=[sample.pk])).content.decode()
    gallery = at_work.get(reverse("dataset", args=[dataset.pk])).content.decode()
    assert "<h1>board 7.jpg</h1>" in page
    assert page.count(address) == 1
    assert f'<dt>Address</dt><dd class="wrap">{address}</dd>' in page
    assert 'aria-label="board 7.jpg: ' in gallery


def test_what_an_import_says_is_old_is_not_called_changed(at_work, dataset, add):
    sample = add(dataset, "board.jpg")
    long_ago = datetime(2020, 8, 27, 12, tzinfo=UTC)
    type(sample).objects.filter(pk=sample.pk).update(changed=long_ago, version=2)
    page = at_work.get(reverse("sample", args=[sample.pk])).content.decode()
    assert "<dt>Changed</dt>" not in page
    assert "<dt>Labelled</dt><dd>27 Aug 2020, 12:00, as the import says" in page


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("https://host/pictures/a%20b.jpg?token=1#x", "a b.jpg"),
        ("s3://bucket/film.mp4@12.480", "film.mp4@12.480"),
        ("south/frame_1.png", "south/frame_1.png"),
        ("s3://", "s3://"),
    ],
)
def test_names_of_addresses(source, name):
    assert named(source) == name


def change(client, dataset, do, *samples, **more):
    values = {"do": do, "picture": [s.pk for s in samples]} | more
    return client.post(reverse("dataset-change", args=[dataset.pk]), values, follow=True)


def test_pictures_are_removed_and_brought_back(at_work, dataset, add):
    samples = [add(dataset, f"{n}.jpg") for n in range(3)]
    answer = change(at_work, dataset, "remove", *samples[:2])
    assert dataset.samples.current().count() == 1
    (message,) = answer.context["messages"]
    assert str(message) == "2 pictures removed"
    at_work.post(message.extra_tags.split()[0])
    assert dataset.samples.current().count() == 3


def test_all_that_match_can_be_changed_at_once(at_work, dataset, add):
    for n in range(5):
        add(dataset, f"day {n}.jpg")
    add(dataset, "night.jpg")
    change(at_work, dataset, "golden", all="1", narrowing="q=day")
    assert set(dataset.samples.filter(is_golden=True).values_list("source", flat=True)) == {
        f"day {n}.jpg" for n in range(5)
    }


def test_synthetic_pictures_are_never_golden(at_work, dataset, add):
    made, real = add(dataset, "made.jpg", origin="synthetic"), add(dataset, "real.jpg")
    answer = change(at_work, dataset, "golden", made, real)
    assert [s.source for s in dataset.samples.filter(is_golden=True)] == ["real.jpg"]
    assert "cannot be golden" in answer.content.decode()


def test_nothing_here_spares_boxes(at_work, dataset, add):
    with_box, without = add(dataset, "a.jpg", "Kestrel"), add(dataset, "b.jpg")
    change(at_work, dataset, "nothing", with_box, without)
    without.refresh_from_db()
    assert without.state == "labelled"
    assert with_box.annotations.count() == 1


def test_whole_pictures_are_labelled_from_the_gallery(at_work, concepts, add, project):
    samples = [add(concepts, f"{n}.jpg") for n in range(2)]
    label = project.labels.get(name="Vitalo")
    change(at_work, concepts, "label", *samples, label=label.pk)
    assert [s.labels for s in concepts.samples.all()] == [[label.pk]] * 2
    assert (
        "Choose a label"
        in change(at_work, concepts, "label", *samples, label=99999).content.decode()
    )


@pytest.mark.parametrize(("do", "split"), [("train", "train"), ("test", "test"), ("free", "")])
def test_a_split_is_given(at_work, dataset, add, do, split):
    sample = add(dataset, "a.jpg", given_split="val")
    change(at_work, dataset, do, sample)
    sample.refresh_from_db()
    assert sample.given_split == split


@pytest.mark.parametrize("do", ["", "explode"])
def test_nonsense_changes_nothing(at_work, dataset, add, do):
    sample = add(dataset, "a.jpg")
    assert change(at_work, dataset, do, sample).status_code == 200
    assert dataset.samples.current().count() == 1


def test_pictures_of_another_dataset_are_not_touched(at_work, dataset, concepts, add):
    sample = add(concepts, "a.jpg")
    change(at_work, dataset, "remove", sample)
    assert concepts.samples.current().count() == 1


def test_an_undo_that_was_forged_is_nothing(at_work, dataset):
    for stamp in ("yesterday", "2026-13-45T99:00:00"):
        answer = at_work.post(reverse("dataset-restore", args=[dataset.pk, stamp]))
        assert answer.status_code == 302


# --- filling ---------------------------------------------------------------------------------


def test_uploaded_assets_are_taken_by_a_worker(at_work, dataset, asset_in, workspace, other_asset):
    asset = asset_in(workspace, "a.jpg", kind="image")
    answer = at_work.post(
        reverse("dataset-take", args=[dataset.pk]),
        {"assets": f"{asset.pk},{other_asset.pk},x", "names": json.dumps({asset.pk: "day/a.jpg"})},
        **HTMX,
    )
    transfer = Transfer.objects.get()
    assert transfer.options == {
        "assets": [asset.pk],
        "how": "pictures",
        "names": {str(asset.pk): "day/a.jpg"},
    }
    assert "Adding pictures" in answer.content.decode()
    asset.refresh_from_db()
    assert asset.collection.name == "Harbour Cup: Boards"


@pytest.mark.parametrize("names", ["", "nonsense", "[1]", '{"1": 2}', '{"a": "b"}'])
def test_broken_names_are_no_names(at_work, dataset, asset, names):
    at_work.post(
        reverse("dataset-take", args=[dataset.pk]), {"assets": str(asset.pk), "names": names}
    )
    assert Transfer.objects.get().options["names"] == {}


def test_a_plain_form_works_too(at_work, dataset):
    files = [upload("a.png", png()), upload("b.txt", b"These are only words." * 500)]
    answer = at_work.post(reverse("dataset-take", args=[dataset.pk]), {"files": files}, follow=True)
    assert Transfer.objects.get().options["assets"] == [Asset.objects.get().pk]
    assert "is text" in answer.content.decode()


def test_frames_are_asked_for(at_work, dataset, asset):
    values = {"videos": [asset.pk], "how": "shot", "every_s": "2", "most": "50"}
    at_work.post(reverse("dataset-frames", args=[dataset.pk]), values)
    assert Transfer.objects.get().options == {
        "assets": [asset.pk],
        "how": "shot",
        "every_s": 2.0,
        "most": 50,
    }


def test_a_video_that_is_still_prepared_comes_to_the_page_by_itself(at_work, dataset, asset):
    url = reverse("dataset-frames", args=[dataset.pk]) + f"?videos={asset.pk}"
    asset.status = Status.WORKING
    asset.save(update_fields=["status"])
    page = at_work.get(url).content.decode()
    assert "1 video is still being prepared" in page
    assert f'hx-get="{url}"' in page
    asset.status = Status.DONE
    asset.save(update_fields=["status"])
    page = at_work.get(url).content.decode()
    assert "being prepared" not in page
    assert f'value="{asset.pk}" checked' in page


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"videos": []}, "Choose a video."),
        ({"every_s": "0"}, "greater than or equal"),
        ({"most": "99999"}, "less than or equal"),
        ({"how": "magic"}, ""),
    ],
)
def test_frames_that_cannot_be_taken_are_refused(at_work, dataset, asset, changes, sentence):
    values = {"videos": [asset.pk], "how": "shot", "every_s": "2", "most": "50"} | changes
    answer = at_work.post(reverse("dataset-frames", args=[dataset.pk]), values)
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not Transfer.objects.exists()


def test_the_least_sure_frames_need_a_detector(at_work, dataset, asset, project):
    values = {"videos": [asset.pk], "how": "unsure", "every_s": "2", "most": "50"}
    project.uses_references = False
    project.save()
    answer = at_work.post(reverse("dataset-frames", args=[dataset.pk]), values)
    assert "neither a model nor logo pictures" in answer.content.decode()


def test_another_workspaces_video_cannot_be_chosen(at_work, dataset, other_asset):
    values = {"videos": [other_asset.pk], "how": "shot", "every_s": "2", "most": "50"}
    answer = at_work.post(reverse("dataset-frames", args=[dataset.pk]), values)
    assert answer.status_code == 422


def test_long_work_is_shown_cancelled_retried_and_put_away(at_work, dataset, analyst):
    row = Transfer.objects.request(dataset, "frames", options={"how": "shot"}, by=analyst)
    page = reverse("dataset-work", args=[dataset.pk])
    assert "waits, and no worker serves" in at_work.get(page).content.decode()
    at_work.post(reverse("transfer-change", args=[row.pk, "cancel"]))
    answer = at_work.get(page)
    assert "Cancelled." in answer.content.decode()
    assert answer.headers["HX-Trigger"] == "samples-changed"
    at_work.post(reverse("transfer-change", args=[row.pk, "retry"]))
    row.refresh_from_db()
    assert row.status == Status.WAITING
    Transfer.objects.update(status=Status.DONE, finished=timezone.now(), report={"added": 3})
    assert "3 pictures added" in at_work.get(page).content.decode()
    at_work.post(reverse("transfer-change", args=[row.pk, "dismiss"]), **HTMX)
    assert "3 pictures" not in at_work.get(page).content.decode()


# --- synthesis -------------------------------------------------------------------------------


def wish(project, **changes):
    reference = project.labels.get(name="Kestrel").references.get()
    return {
        "logo": [f"reference-{reference.pk}"],
        "count": "40",
        "seed": "7",
        "shape": "640x384",
        "smallest": "6",
        "largest": "50",
        "max_logos": "4",
        "boards": "65",
        "reversed_out": "35",
        "metal": "10",
        "curved": "30",
        "occluded": "30",
        "look_alikes": "50",
        "negatives": "10",
        "degraded": "on",
        "backgrounds": "made",
        "do": "make",
    } | changes


def test_synthesis_is_asked_for(at_work, dataset, project):
    at_work.post(reverse("dataset-synthesis", args=[dataset.pk]), wish(project))
    options = Transfer.objects.get().options
    assert (options["count"], options["seed"]) == (40, 7)
    assert options["logos"][0]["label"] == "Kestrel"
    assert options["painting"]["boards"] == 0.65
    from analysis.synthesis.pictures import SynthesisOptions

    SynthesisOptions(**options["painting"])  # every name is known to the painter


def test_a_preview_is_made_shown_and_not_listed(at_work, dataset, project):
    address = reverse("dataset-synthesis", args=[dataset.pk])
    answer = at_work.post(address, wish(project, do="preview"), **HTMX)
    row = Transfer.objects.get()
    assert row.options["preview"] is True
    assert answer.content.decode().count("skeleton") == 6
    picture = {"file": "x.jpg", "width": 64, "height": 48}
    picture["boxes"] = [{"label": "Kestrel", "box": [0.1, 0.2, 0.5, 0.6]}]
    Transfer.objects.update(status=Status.DONE, report={"pictures": [picture]})
    shown = at_work.get(reverse("dataset-preview", args=[row.pk])).content.decode()
    assert shown.count("<rect") == 1
    assert "Making" not in at_work.get(reverse("dataset-work", args=[dataset.pk])).content.decode()
    at_work.post(address, wish(project, do="preview"), **HTMX)
    assert Transfer.objects.count() == 1  # the one before made room


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"logo": []}, "Choose a logo"),
        ({"logo": ["reference-99999", "file-1"]}, "Choose a logo"),
        ({"smallest": "50", "largest": "20"}, "smaller than the smallest"),
        ({"count": "0"}, "greater than or equal"),
        ({"count": "1000000"}, "less than or equal"),
        ({"backgrounds": "frames"}, "Choose a video or a picture"),
    ],
)
@pytest.mark.parametrize("do", ["make", "preview"])
def test_what_cannot_be_made_is_refused(at_work, dataset, project, changes, sentence, do):
    address = reverse("dataset-synthesis", args=[dataset.pk])
    headers = HTMX if do == "preview" else {}
    answer = at_work.post(address, wish(project, do=do, **changes), **headers)
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not Transfer.objects.exists()


def test_logo_files_are_added_and_removed(at_work, dataset, project):
    label = project.labels.get(name="Vitalo")
    files = [upload("v.svg", SVG), upload("v.png", png()), upload("bad.png", b"x")]
    address = reverse("logo-file-add", args=[dataset.pk])
    answer = at_work.post(address, {"label": label.pk, "files": files}, follow=True)
    assert dataset.logo_files.count() == 2
    page = answer.content.decode()
    assert "v.svg" in page
    assert "bad.png: This is not a PNG, JPEG or WebP picture." in page
    at_work.post(address, {"label": label.pk, "files": [upload("again.svg", SVG)]})
    assert dataset.logo_files.count() == 2
    at_work.post(reverse("logo-file-remove", args=[dataset.logo_files.first().pk]))
    assert dataset.logo_files.count() == 1


def test_whole_pictures_cannot_be_synthesised(at_work, concepts):
    answer = at_work.get(reverse("dataset-synthesis", args=[concepts.pk]))
    assert answer.url == reverse("dataset", args=[concepts.pk])


# --- versions --------------------------------------------------------------------------------

RECIPE = {"train": "70", "val": "10", "test": "20", "seed": "3", "near": "6", "given": "on"}


def test_a_version_is_frozen(at_work, dataset, add):
    add(dataset, "a.jpg", "Kestrel")
    address = reverse("dataset-versions", args=[dataset.pk])
    answer = at_work.post(address, RECIPE | {"note": "first"})
    version = DatasetVersion.objects.get()
    assert answer.url == reverse("dataset-version", args=[dataset.pk, 1])
    assert version.recipe["seed"] == 3
    assert version.recipe["synthetic"] is False
    assert version.note == "first"
    assert "Waits, and no worker serves" in at_work.get(answer.url).content.decode()
    assert "being frozen" in at_work.get(address).content.decode()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [({"train": "90"}, "100"), ({"val": ""}, "required"), ({"near": "x"}, "valid choice")],
)
def test_a_recipe_that_cannot_be_is_refused(at_work, dataset, add, changes, sentence):
    add(dataset, "a.jpg", "Kestrel")
    address = reverse("dataset-versions", args=[dataset.pk])
    answer = at_work.post(address, RECIPE | changes)
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not DatasetVersion.objects.exists()


def test_nothing_labelled_is_nothing_to_freeze(at_work, dataset):
    answer = at_work.post(reverse("dataset-versions", args=[dataset.pk]), RECIPE)
    assert "nothing to freeze" in answer.content.decode()


def test_the_page_of_a_version(at_work, version):
    page = at_work.get(reverse("dataset-version", args=[version.dataset_id, 1])).content.decode()
    for words in ("Kestrel", "Norra Bank", "Seen together", version.sha256, "Train on this"):
        assert words in page
    assert "No picture is left to test on" in page or "on no test picture" in page
    assert reverse("training-new") in page


def test_a_version_can_be_downloaded(at_work, version):
    answer = at_work.get(reverse("dataset-version-file", args=[version.dataset_id, 1]))
    assert "as=Boards-v1.json.gz" in answer.url
    from analysis.datasets.version import unpack

    data = b"".join(at_work.get(answer.url).streaming_content)
    assert len(unpack(data).pictures) == 2


def test_a_failed_version_says_why_and_can_be_retried(at_work, dataset, add):
    version = DatasetVersion.objects.create(
        dataset=dataset, number=1, status=Status.FAILED, error="The disk is full."
    )
    address = reverse("dataset-version", args=[dataset.pk, 1])
    assert "The disk is full." in at_work.get(address).content.decode()
    at_work.post(reverse("dataset-version-retry", args=[dataset.pk, 1]))
    version.refresh_from_db()
    assert version.status == Status.WAITING
    assert at_work.get(reverse("dataset-version-file", args=[dataset.pk, 1])).status_code == 404


def test_likely_label_errors_come_from_the_newest_evaluation(at_work, version, workspace):
    import gzip

    from django.core.files.storage import default_storage

    from webapp.registry.versions import ModelVersion, RegisteredModel

    model = RegisteredModel.objects.create(workspace=workspace, name="Boards")
    made = ModelVersion.objects.create(model=model, number=1, file="m.onnx", sha256="0" * 64)
    found = [{"label": "Vitalo", "box": [0.6, 0.6, 0.9, 0.9], "confidence": 0.97}]
    row = {"source": "b.jpg", "file": "samples/b.jpg", "width": 64, "height": 48, "truth": []}
    predictions = {"task": "boxes", "pictures": [row | {"found": found}]}
    file = default_storage.save(
        "evaluations/1.json.gz", ContentFile(gzip.compress(json.dumps(predictions).encode()))
    )
    Evaluation.objects.create(
        model_version=made, dataset_version=version, status=Status.DONE, predictions=file
    )
    page = reverse("dataset-version", args=[version.dataset_id, 1])
    address = reverse("dataset-version-errors", args=[version.dataset_id, 1])
    assert address in at_work.get(page).content.decode()
    part = at_work.get(address).content.decode()
    assert "Perhaps a box is missing" in part
    assert "Vitalo" in part


# --- who may ---------------------------------------------------------------------------------


@pytest.fixture
def addresses(dataset, add, version, project, analyst):
    """Every address of this app, each with whether it only looks."""
    sample = dataset.samples.first()
    logo = LogoFile.objects.create(
        dataset=dataset, label=project.labels.first(), name="a.svg", file="x", sha256="1"
    )
    row = Transfer.objects.request(dataset, "synthesis", options={"preview": True}, by=analyst)
    pk = dataset.pk
    looks = [
        reverse("datasets", args=[project.pk]),
        reverse("dataset", args=[pk]),
        reverse("dataset-work", args=[pk]),
        reverse("sample", args=[sample.pk]),
        reverse("dataset-versions", args=[pk]),
        reverse("dataset-version", args=[pk, 1]),
        reverse("dataset-version-errors", args=[pk, 1]),
        reverse("dataset-version-file", args=[pk, 1]),
    ]
    pages = [
        reverse("dataset-frames", args=[pk]),
        reverse("dataset-synthesis", args=[pk]),
        reverse("dataset-preview", args=[row.pk]),
    ]
    posts = [
        reverse("datasets", args=[project.pk]),
        reverse("dataset-take", args=[pk]),
        reverse("dataset-change", args=[pk]),
        reverse("dataset-restore", args=[pk, "2026-01-01T00:00:00+00:00"]),
        reverse("dataset-frames", args=[pk]),
        reverse("dataset-synthesis", args=[pk]),
        reverse("logo-file-add", args=[pk]),
        reverse("logo-file-remove", args=[logo.pk]),
        reverse("dataset-versions", args=[pk]),
        reverse("dataset-version-retry", args=[pk, 1]),
        *(reverse("transfer-change", args=[row.pk, do]) for do in ("cancel", "retry", "dismiss")),
    ]
    return looks, pages, posts


def test_a_stranger_finds_nothing(addresses, stranger, other_workspace, client_for):
    looks, pages, posts = addresses
    client = client_for(stranger)
    for address in looks + pages:
        assert client.get(address).status_code == 404, address
    for address in posts:
        assert client.post(address, {"name": "x", "task": "boxes"}).status_code == 404, address


def test_a_viewer_looks_and_changes_nothing(addresses, viewer, client_for):
    looks, pages, posts = addresses
    client = client_for(viewer)
    for address in looks:
        assert client.get(address).status_code in (200, 302), address
    for address in pages:
        assert client.get(address).status_code == 403, address
    for address in posts:
        assert client.post(address).status_code == 403, address
    assert client.get(reverse("dataset-start")).status_code == 403


def test_a_labeller_sees_no_dataset(addresses, labeller, client_for):
    client = client_for(labeller)
    for address in addresses[0] + addresses[1]:
        assert client.get(address).status_code == 403, address


def test_nobody_in_particular_is_asked_to_sign_in(addresses, client):
    for address in addresses[0]:
        assert client.get(address).status_code == 302


def test_an_analyst_can_open_every_page(addresses, at_work):
    for address in addresses[0] + addresses[1]:
        assert at_work.get(address).status_code in (200, 302), address
