"""The workspace's own logo: checked, kept as pixels alone, on issued reports for good."""

from __future__ import annotations

import io

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from PIL import Image, PngImagePlugin

from webapp.reports.models import Report

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def picture(colour=(0, 90, 140, 255), size=(400, 120), **saved) -> bytes:
    data = io.BytesIO()
    Image.new("RGBA", size, colour).save(data, "PNG", **saved)
    return data.getvalue()


@pytest.fixture
def at_settings(owner, client_for):
    client = client_for(owner)

    def send(data: bytes, name: str = "logo.png") -> str:
        sent = {"logo": SimpleUploadedFile(name, data)}
        answer = client.post(reverse("workspace-logo"), sent, follow=True)
        return answer.content.decode()

    send.client = client
    return send


def test_it_is_kept_shown_and_logged(at_settings, workspace):
    assert "carry this logo" in at_settings(picture())
    workspace.refresh_from_db()
    assert default_storage.exists(workspace.logo)
    shown = at_settings.client.get(reverse("workspace-logo"))
    assert shown["Content-Type"] == "image/png"
    assert Image.open(io.BytesIO(shown.content)).size == (400, 120)
    assert workspace.events.filter(what="changed the logo").count() == 1


def test_nothing_but_the_pixels_is_kept(at_settings, workspace):
    note = PngImagePlugin.PngInfo()
    note.add_text("Comment", "written by Olga at home")
    at_settings(picture(pnginfo=note))
    workspace.refresh_from_db()
    assert b"Olga" not in default_storage.open(workspace.logo).read()


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (SVG, "SVG"),
        (b"<?xml version='1.0'?>" + SVG, "SVG"),
        (b"GIF89a", "not a PNG, JPEG or WebP"),
        (b"", "Choose a picture|empty"),
        (picture()[:60], "damaged"),
        (picture(size=(20, 20)), "would print blurred"),
        (picture((0, 0, 0, 0)), "transparent all over"),
        (picture((255, 255, 255, 255)), "printed on white"),
    ],
)
def test_what_cannot_be_printed_is_refused_with_a_sentence(at_settings, workspace, data, sentence):
    at_settings(picture())
    before = type(workspace).objects.get(pk=workspace.pk).logo
    page = at_settings(data, "logo.svg")
    assert any(part in page for part in sentence.split("|"))
    assert type(workspace).objects.get(pk=workspace.pk).logo == before


def test_an_issued_report_keeps_the_logo_it_was_issued_with(at_settings, workspace, run):
    at_settings(picture())
    at_settings.client.post(reverse("report-issue", args=[run.pk]), {"title": "Cup"})
    report = Report.objects.get()
    at_settings.client.post(reverse("workspace-logo"), {"remove": "1"})
    workspace.refresh_from_db()
    assert not workspace.logo
    assert default_storage.exists(report.logo)
    report.withdraw(by=workspace.memberships.get().user)


def test_the_file_goes_with_the_last_that_names_it(
    at_settings, workspace, run, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        at_settings(picture())
    at_settings.client.post(reverse("report-issue", args=[run.pk]), {"title": "Cup"})
    report = Report.objects.get()
    with django_capture_on_commit_callbacks(execute=True):
        at_settings(picture((200, 30, 30, 255)))
    assert default_storage.exists(report.logo)
    with django_capture_on_commit_callbacks(execute=True):
        report.withdraw(by=workspace.memberships.get().user)
    assert not default_storage.exists(report.logo)
    workspace.refresh_from_db()
    assert default_storage.exists(workspace.logo)


@pytest.mark.parametrize("role", ["analyst", "viewer", "labeller", "reviewer"])
def test_only_an_administrator_changes_it(request, client_for, workspace, role):
    client = client_for(request.getfixturevalue(role))
    sent = {"logo": SimpleUploadedFile("logo.png", picture())}
    assert client.post(reverse("workspace-logo"), sent).status_code == 403
    workspace.refresh_from_db()
    assert not workspace.logo


def test_a_stranger_changes_and_sees_their_own_only(
    at_settings, workspace, other_workspace, stranger, client_for
):
    at_settings(picture())
    workspace.refresh_from_db()
    client = client_for(stranger)
    assert client.get(reverse("workspace-logo")).status_code == 404
    client.post(reverse("workspace-logo"), {"remove": "1"})
    before = workspace.logo
    workspace.refresh_from_db()
    assert workspace.logo == before
