import io
import struct
import zlib

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from PIL import Image, ImageDraw

from webapp.pictures import MAX_PIXELS, PictureRefused
from webapp.projects.models import Reference
from webapp.projects.pictures import read_picture
from webapp.runs.run import Run

HTMX = {"HTTP_HX_REQUEST": "true"}


def picture(mode="RGB", size=(120, 80), ground="#fff", kind="PNG", draw=True, seed=0) -> bytes:
    image = Image.new(mode, size, ground)
    if draw:
        pen = ImageDraw.Draw(image)
        pen.rectangle((10 + seed, 10, 60 + seed, 50), fill="#d1495b")
        pen.line((0, 0, size[0], size[1]), fill="#00798c", width=5)
    out = io.BytesIO()
    image.save(out, kind)
    return out.getvalue()


def refusal(data: bytes) -> str:
    with pytest.raises(PictureRefused) as caught:
        read_picture(io.BytesIO(data))
    return str(caught.value)


def claimed_png(width: int, height: int) -> bytes:
    """A few bytes that say they are a very large picture."""

    def chunk(name: bytes, body: bytes) -> bytes:
        crc = zlib.crc32(name + body)
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", crc)

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


# --- what is taken --------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "extension"), [("PNG", "png"), ("JPEG", "jpg"), ("WEBP", "webp")])
def test_png_jpeg_and_webp_are_known_by_their_content(kind, extension):
    found = read_picture(io.BytesIO(picture(kind=kind)))
    assert (found.extension, found.width, found.height) == (extension, 120, 80)
    assert not found.has_alpha


def test_a_logo_in_one_colour_on_nothing_is_a_picture():
    image = Image.new("RGBA", (100, 100), (255, 255, 255, 0))
    ImageDraw.Draw(image).ellipse((20, 20, 80, 80), fill=(255, 255, 255, 255))
    out = io.BytesIO()
    image.save(out, "PNG")
    assert read_picture(io.BytesIO(out.getvalue())).has_alpha


def test_the_bytes_are_kept_as_they_came():
    data = picture(kind="JPEG")
    assert read_picture(io.BytesIO(data)).data == data


# --- what is refused, in words --------------------------------------------------------------


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_one_flat_colour_is_refused(kind):
    assert refusal(picture(draw=False, ground="#336699", kind=kind)).startswith(
        "This picture is one flat colour"
    )


def test_a_picture_that_is_transparent_all_over_is_refused():
    assert "transparent" in refusal(picture("RGBA", ground=(255, 0, 0, 0), draw=False))


@pytest.mark.parametrize("size", [(31, 200), (200, 31), (1, 1)])
def test_too_small_is_refused_with_its_size(size):
    assert f"{size[0]} × {size[1]} pixels, too small" in refusal(picture(size=size))


def test_32_pixels_are_enough():
    assert read_picture(io.BytesIO(picture(size=(32, 32)))).width == 32


@pytest.mark.parametrize(
    "head",
    [b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"\xef\xbb\xbf<?xml version='1.0'?><svg/>"],
)
def test_svg_is_refused_with_what_to_do_instead(head):
    assert "Save it as PNG" in refusal(head)


@pytest.mark.parametrize("side", [8_000, 20_000, 100_000])
def test_a_picture_that_claims_too_many_pixels_is_refused_before_it_is_unpacked(side):
    assert side * side > MAX_PIXELS
    assert "million" in refusal(claimed_png(side, side))


@pytest.mark.parametrize("data", [b"", b"GIF89a" + b"\0" * 50, b"%PDF-1.7", b"\0" * 5000])
def test_other_files_are_refused(data):
    assert refusal(data)


@pytest.mark.parametrize("cut", [20, 60, 150])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_half_a_picture_is_refused(kind, cut):
    assert refusal(picture(kind=kind)[:cut])


# --- adding them to labels ------------------------------------------------------------------


@pytest.fixture
def at_work(analyst, client_for):
    return client_for(analyst)


@pytest.fixture
def vitalo(project):
    return project.labels.get(name="Vitalo")


def add(client, label, *files, **options):
    pictures = [SimpleUploadedFile(name, data) for name, data in files]
    return client.post(reverse("reference-add", args=[label.pk]), {"pictures": pictures}, **options)


def test_pictures_are_added_and_the_bad_one_is_named(at_work, vitalo):
    page = add(
        at_work,
        vitalo,
        ("one.png", picture()),
        ("flat.png", picture(draw=False)),
        ("two.webp", picture(kind="WEBP")),
        **HTMX,
    ).content.decode()
    assert [r.name for r in vitalo.references.all()] == ["one.png", "two.webp"]
    assert "flat.png: This picture is one flat colour" in page
    for reference in vitalo.references.all():
        assert default_storage.exists(reference.file)
        assert reference.file.startswith(f"references/{reference.sha256}.")


def test_the_name_of_a_file_does_not_choose_its_place(at_work, vitalo):
    add(at_work, vitalo, ("../../etc/passwd.svg", picture()))
    reference = vitalo.references.get()
    assert reference.file == f"references/{reference.sha256}.png"


def test_the_same_picture_twice_is_said(at_work, vitalo):
    add(at_work, vitalo, ("one.png", picture()))
    page = add(at_work, vitalo, ("copy.png", picture()), **HTMX).content.decode()
    assert "Vitalo has this picture already." in page
    assert vitalo.references.count() == 1


def test_the_same_picture_in_two_labels_is_warned_of_on_both(at_work, project, vitalo):
    norra = project.labels.get(name="Norra Bank")
    add(at_work, vitalo, ("one.png", picture()))
    add(at_work, norra, ("other.png", picture()))
    page = at_work.get(reverse("project", args=[project.pk])).content.decode()
    assert "same picture as Vitalo" in page
    assert "same picture as Norra Bank" in page
    assert len({r.file for r in Reference.objects.exclude(label__name="Kestrel")}) == 1


def test_a_label_holds_twenty_pictures(at_work, vitalo):
    files = [(f"{n}.png", picture(seed=n)) for n in range(21)]
    page = add(at_work, vitalo, *files, **HTMX).content.decode()
    assert vitalo.references.count() == Reference.MAX_PER_LABEL == 20
    assert "20 pictures at most" in page


def test_choosing_nothing_is_said(at_work, vitalo):
    page = at_work.post(reverse("reference-add", args=[vitalo.pk]), **HTMX).content.decode()
    assert "Choose a picture first." in page


def test_removing_a_picture_can_be_undone(at_work, vitalo):
    add(at_work, vitalo, ("one.png", picture()))
    before = Reference.objects.filter(label=vitalo).values().get()
    answer = at_work.post(reverse("reference-remove", args=[before["id"]]), **HTMX)
    assert not vitalo.references.exists()
    undo = next(m.extra_tags for m in answer.context["messages"])
    at_work.post(undo)
    after = Reference.objects.filter(label=vitalo).values().get()
    for field in ("id", "created"):
        before.pop(field), after.pop(field)
    assert before == after


def test_an_undo_works_for_its_own_label_and_cannot_be_made_up(at_work, project, vitalo, owner):
    add(at_work, vitalo, ("one.png", picture()))
    undo = vitalo.references.get().remove(by=owner)
    norra = project.labels.get(name="Norra Bank")
    for label, token in ((norra, undo), (vitalo, undo[:-2] + "xx")):
        at_work.post(reverse("reference-restore", args=[label.pk, token]))
        assert not label.references.exists()


def test_a_waiting_run_keeps_its_pictures_when_they_are_removed(at_work, project, asset, owner):
    run = Run.objects.request(asset, project, by=owner)
    kestrel = project.labels.get(name="Kestrel")
    at_work.post(reverse("reference-remove", args=[kestrel.references.get().pk]))
    file = run.inputs["labels"][0]["references"][0]["file"]
    assert default_storage.exists(file)


def test_a_stranger_cannot_add_a_picture(stranger, other_workspace, vitalo, client_for):
    assert add(client_for(stranger), vitalo, ("one.png", picture())).status_code == 404
    assert not vitalo.references.exists()
