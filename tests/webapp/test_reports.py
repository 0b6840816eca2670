"""The live report says what `measure` says; an issued one says it for ever."""

from __future__ import annotations

import base64
import io
import json

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.urls import reverse
from PIL import Image

from analysis.exposure.measure import METHODOLOGIES, measure
from analysis.film.columns import DETECTION, FRAME, Columns
from tests.conftest import FOUND
from webapp.accounts.models import Event
from webapp.leases import Status
from webapp.reports.figures import digest
from webapp.reports.models import Report
from webapp.runs.results import columns_of
from webapp.runs.run import Run
from webapp.runs.segments import SegmentResult
from webapp.templatetags.show import clock


def words(response) -> str:
    return response.content.decode()


def live(client, run, query: str = "") -> str:
    response = client.get(reverse("run-report", args=[run.pk]) + query)
    assert response.status_code == 200
    return words(response)


def issue(client, run, query: str = "", title: str = "Cup final") -> Report:
    made = client.post(reverse("report-issue", args=[run.pk]) + query, {"title": title})
    assert made.status_code == 302
    return Report.objects.get(pk=made["Location"].rstrip("/").rsplit("/", 1)[-1])


def label_of(run, name: str):
    return run.project.labels.get(name=name)


def measured(run, **asked):
    labels = [label["id"] for label in run.inputs["labels"]]
    return measure(columns_of(run), duration_s=run.duration_s, labels=labels, **asked)


# --- the live report ------------------------------------------------------------------------


def test_it_shows_the_numbers_that_measure_gives(at_report, run):
    page = live(at_report, run)
    for brand in measured(run).brands[:2]:
        assert brand.reported_s > 0
        assert f"{clock(brand.reported_s)}</a>" in page
        for episode in brand.episodes:
            assert f"{clock(episode.start_s)} – {clock(episode.end_s)}" in page


@pytest.mark.parametrize("method", METHODOLOGIES)
def test_it_counts_by_the_method_that_was_chosen(at_report, run, method):
    page = live(at_report, run, f"?method={method}")
    counted = measured(run, method=METHODOLOGIES[method]).brands[0]
    assert f"{clock(counted.reported_s)}</a>" in page
    assert METHODOLOGIES[method].note.split("'")[0][:30] in page.replace("&#x27;", "'")


def test_a_lower_confidence_brings_in_what_is_less_sure(at_report, run):
    unsure = "1:10.0 – 1:15.0"
    assert unsure not in live(at_report, run)
    assert unsure in live(at_report, run, "?threshold=0.1")


def test_a_window_counts_only_what_lies_in_it(at_report, run):
    page = live(at_report, run, "?in=60&out=120")
    assert "1:00.0 to 2:00.0 only" in page
    assert "0:10.0" not in page
    assert "1:20.0 – 1:22.0" in page


def test_a_brand_that_is_left_out_is_in_no_figure(at_report, run):
    label = label_of(run, "Norra Bank")
    page = live(at_report, run, f"?off={label.pk}")
    assert f'id="brand-{label.pk}"' not in page
    assert "1 brand is left out of every figure" in page
    assert f'name="off" value="{label.pk}"' in page  # and stays so when the form is sent


def test_the_evidence_link_keeps_what_was_chosen(at_report, run):
    page = live(at_report, run, "?threshold=0.6&method=raw&rate=5")
    link = f"{reverse('asset', args=[run.asset_id])}?run={run.pk}&amp;method=raw&amp;threshold=0.6"
    assert f'href="{link}&amp;t=10.000&amp;open=' in page


def test_no_amount_of_money_is_shown_unless_a_price_is_given(at_report, run):
    assert "Media value" not in live(at_report, run)
    page = live(at_report, run, "?rate=1200&currency=SEK")
    kestrel = measured(run).brands[0].reported_s
    assert f"{kestrel / 30 * 1200:,.2f} SEK" in page
    assert "÷ 30 × 1,200.00 SEK" in page


@pytest.mark.parametrize(
    "query",
    [
        "?threshold=7",
        "?threshold=nan",
        "?method=guess",
        "?rate=-1",
        "?rate=inf",
        "?rate=1e300",
        "?rate=5&currency=%00",
        "?rate=5&currency=" + "x" * 9,
        "?off=a",
        "?in=20&out=10",
    ],
)
def test_nonsense_is_answered_with_a_sentence(at_report, run, query):
    for name, more in [("run-report", []), ("run-file", ["json"])]:
        answer = at_report.get(reverse(name, args=[run.pk, *more]) + query)
        assert answer.status_code == 400
        assert answer.json()["detail"].endswith(".")
    assert at_report.post(reverse("report-issue", args=[run.pk]) + query).status_code == 400


def test_a_browser_gets_a_page_for_an_address_that_cannot_be_shown(at_report, run):
    address = reverse("run-report", args=[run.pk])
    page = at_report.get(f"{address}?threshold=7", headers={"Accept": "text/html,*/*"})
    assert page.status_code == 400
    assert "The confidence goes from 0.05 to 1." in words(page)
    assert f'href="{address}">Open it without these choices' in words(page)
    sent = at_report.get(
        reverse("report-issue", args=[run.pk]), headers={"Accept": "text/html,*/*"}
    )
    assert sent.status_code == 405
    assert "it has no page" in words(sent)
    assert not Report.objects.exists()


def test_a_window_beyond_the_end_is_empty_and_no_error(at_report, run):
    assert "No brand was seen" in live(at_report, run, "?in=500&out=600")


def test_brands_stand_in_the_same_order_in_both_tables(at_report, run):
    page = live(at_report, run)
    first, second = page.split("<h2>Counted in other ways</h2>")
    for part in (first, second.split("Every exposure")[0]):
        assert part.index("Norra Bank") < part.index("Kestrel")
    assert "Vitalo" not in second.split("Every exposure")[0]  # never seen: nothing to compare


def test_hostile_names_are_text_and_nothing_else(at_report, run):
    label = label_of(run, "Kestrel")
    label.name = '"><script>alert(1)</script>'
    label.save()
    run.asset.name = "<img src=x onerror=alert(2)>.mp4"
    run.asset.save()
    report = issue(at_report, run, title="<b>bold</b>")
    for page in (live(at_report, run), words(at_report.get(reverse("report", args=[report.pk])))):
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "<b>bold" not in page
        assert "&lt;script&gt;alert" in page


def test_a_run_that_found_nothing_says_so(at_report, asset, project, run_of):
    page = live(at_report, run_of(asset, project, found=[]))
    assert "No brand was seen at this confidence." in page
    assert "Counted in other ways" not in page


def test_a_run_that_has_not_begun_says_so(at_report, run):
    run.segments.all().delete()
    Run.objects.filter(pk=run.pk).update(status=Run.Status.QUEUED, duration_s=0, finished=None)
    page = live(at_report, run)
    assert "The analysis is not finished" in page
    assert "Issue this report" not in page


def test_a_cancelled_run_reports_the_part_that_was_analysed(at_report, run):
    run.segments.filter(index=1).delete()
    Run.objects.filter(pk=run.pk).update(status=Run.Status.CANCELLED)
    page = live(at_report, run)
    assert "The analysis was cancelled before its end" in page
    assert "60 s of 120 s were analysed" in page


def test_many_brands_and_exposures_stay_readable(at_report, asset, project, run_of):
    from webapp.projects.models import Label

    for n in range(12):
        Label.objects.create(project=project, name=f"Brand {n}", colour="#112233", position=9 + n)
    box = (0.1, 0.1, 0.2, 0.2)
    found = [(f"Brand {n}", 1.0 + n, 9.0 + n, box, 0.9) for n in range(12)]
    run = run_of(asset, project, found=found)
    page = live(at_report, run)
    assert page.count('<article class="panel brand"') == 12
    pdf = at_report.get(reverse("run-file", args=[run.pk, "pdf"]))
    assert pdf.content.startswith(b"%PDF")


def test_a_picture_has_sizes_and_no_seconds(at_report, workspace, project, asset_in, run_of):
    picture = asset_in(workspace, "podium.jpg", kind="image", duration_s=0.0)
    run = run_of(picture, project, found=[])
    kestrel = label_of(run, "Kestrel")
    segment = run.segments.create(index=0, start_s=0, end_s=0, status=Status.DONE)
    seen = np.array([(0, kestrel.pk, 0, 0.1, 0.1, 0.3, 0.2, 0.9, 0.5, 0, 0)], DETECTION)
    columns = Columns(np.array([(0.0, 0.0, 0.0)], FRAME), seen)
    SegmentResult.objects.create(segment=segment, columns=columns.pack())
    page = live(at_report, run)
    assert "A picture has no duration" in page
    assert "2.0\u202f% of the frame" in page
    assert "On screen" not in page
    report = issue(at_report, run)
    for kind in ("pdf", "json", "brands", "episodes", "vtt"):
        assert at_report.get(reverse("report-file", args=[report.pk, kind])).status_code == 200


# --- evidence -------------------------------------------------------------------------------


@pytest.fixture
def pictured(run):
    """The first minute's sprite: tile n, at second 10 n, is of one colour of its own."""
    sheet = Image.new("RGB", (96, 36))
    for n in range(6):
        sheet.paste((40 * n, 200, 30), (n % 3 * 32, n // 3 * 18, n % 3 * 32 + 32, n // 3 * 18 + 18))
    jpeg = io.BytesIO()
    sheet.save(jpeg, "PNG")
    segment = run.segments.get(index=0)
    segment.sprite = default_storage.save("runs/first.png", ContentFile(jpeg.getvalue()))
    segment.sprite_data = {"times": [10.0 * n for n in range(6)], "tile": [32, 18], "columns": 3}
    segment.save()
    return run


def test_the_frame_behind_a_brand_is_the_one_in_its_longest_exposure(at_report, pictured):
    from webapp.reports.evidence import tiles

    tile = tiles(pictured, [27.5])[27.5]
    assert (tile.time_s, tile.width, tile.height) == (30.0, 32, 18)
    page = live(at_report, pictured)
    assert page.count('class="tile"') == 2
    assert tile.picture in page
    shown = Image.open(io.BytesIO(base64.b64decode(tile.picture.split(",")[1])))
    assert shown.size == (32, 18)
    assert abs(shown.getpixel((16, 9))[0] - 120) < 8


def test_a_sprite_that_is_gone_leaves_the_numbers(at_report, pictured):
    default_storage.delete(pictured.segments.get(index=0).sprite)
    assert 'class="tile"' not in live(at_report, pictured)


def test_the_page_and_its_files_carry_one_digest(at_report, pictured):
    file = at_report.get(reverse("run-file", args=[pictured.pk, "json"])).json()
    assert file["manifest"]["numbers_sha256"] in live(at_report, pictured)


# --- issued ---------------------------------------------------------------------------------


def test_issued_numbers_stay_when_labels_and_detections_change(at_report, run):
    report = issue(at_report, run)
    before = json.dumps(report.numbers, sort_keys=True)
    at = reverse("report", args=[report.pk])
    assert "Kestrel" in words(at_report.get(at))
    kestrel = label_of(run, "Kestrel")
    kestrel.name, kestrel.threshold, kestrel.colour = "Renamed", 0.95, "#000000"
    kestrel.save()
    SegmentResult.objects.filter(segment__run=run).delete()
    Run.objects.filter(pk=run.pk).update(status=Run.Status.CANCELLED)
    page = words(at_report.get(at))
    assert "Kestrel" in page
    assert "Renamed" not in page
    assert "0:12.0</a>" in page
    report.refresh_from_db()
    assert json.dumps(report.numbers, sort_keys=True) == before
    assert digest(report.numbers) == report.manifest["numbers_sha256"]


def test_an_issued_report_tells_where_a_later_run_differs(at_report, run, run_of, key_for, owner):
    report = issue(at_report, run)
    address, route = reverse("report", args=[report.pk]), f"/api/v1/reports/{report.pk}/"
    same = run_of(run.asset, run.project)
    assert "A later analysis" not in at_report.get(address).content.decode()
    longer = [("Kestrel", 10.0, 25.0, (0.1, 0.1, 0.3, 0.2), 0.9), *FOUND[1:]]
    later = run_of(run.asset, run.project, found=longer)
    said = "says 0:17.0 for Kestrel, where this report says 0:12.0."
    page = at_report.get(address).content.decode()
    assert said in page
    assert f"?run={later.pk}" in page
    before = report.numbers
    report.refresh_from_db()
    assert report.numbers == before
    told = at_report.get(route, **key_for(owner)).json()["later"]
    assert (told["run"], told["sentence"].endswith(said)) == (later.pk, True)
    assert told["brands"] == [{"name": "Kestrel", "issued_s": 12.0, "later_s": 17.0}]
    later.remove()
    assert at_report.get(route, **key_for(owner)).json()["later"] is None, same


def test_an_issued_report_keeps_the_choices_it_was_made_with(at_report, run):
    query = "?threshold=0.1&method=raw&rate=1200&currency=SEK&utm=x"
    report = issue(at_report, run, query)
    assert report.settings == {
        "threshold": "0.1",
        "method": "raw",
        "rate": "1200",
        "currency": "SEK",
    }
    page = words(at_report.get(reverse("report", args=[report.pk])))
    assert "1:10.0 – 1:15.0" in page
    assert "SEK" in page


def test_an_issued_report_outlives_its_asset(at_report, run, asset):
    report = issue(at_report, run)
    asset.delete()
    page = words(at_report.get(reverse("report", args=[report.pk])))
    assert "Its numbers stand" in page
    assert "0:12.0</a>" in page
    assert f"/assets/{asset.pk}" not in page
    pdf = at_report.get(reverse("report-file", args=[report.pk, "pdf"]))
    assert pdf.content.startswith(b"%PDF")


def test_an_unfinished_analysis_is_not_issued(at_report, run):
    Run.objects.filter(pk=run.pk).update(status=Run.Status.RUNNING)
    answer = at_report.post(reverse("report-issue", args=[run.pk]), follow=True)
    assert "issued from a finished analysis" in words(answer)
    assert not Report.objects.exists()


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("", "matchday"), ("  A\r\nB\x00 ", "A B"), ("x" * 300, "x" * 160)],
)
def test_a_title_is_one_line(at_report, run, typed, kept):
    assert issue(at_report, run, title=typed).title == kept


def test_issuing_and_withdrawing_are_written_down(at_report, run):
    report = issue(at_report, run)
    answer = at_report.post(reverse("report-delete", args=[report.pk]), follow=True)
    assert "“Cup final” is withdrawn" in words(answer)
    assert not Report.objects.exists()
    said = list(Event.objects.values_list("what", flat=True))
    assert {"issued a report", "withdrew a report"} <= set(said)


# --- the list -------------------------------------------------------------------------------


def test_the_list_finds_reports_by_title(at_report, run):
    at = reverse("reports")
    assert "Start from matchday" in words(at_report.get(at))
    issue(at_report, run, title="Quarter final")
    issue(at_report, run, title="Cup final")
    found = words(at_report.get(at, {"q": "cup"}))
    assert "Cup final" in found
    assert "Quarter final" not in found
    assert "No report is called “tennis”" in words(at_report.get(at, {"q": "tennis"}))


# --- who may --------------------------------------------------------------------------------


def test_a_stranger_finds_none_of_it(run, at_report, stranger, other_workspace, client_for):
    report = issue(at_report, run)
    there = client_for(stranger)
    for at in (
        reverse("run-report", args=[run.pk]),
        reverse("run-file", args=[run.pk, "pdf"]),
        reverse("report", args=[report.pk]),
        reverse("report-file", args=[report.pk, "json"]),
    ):
        assert there.get(at).status_code == 404
    for at in (
        reverse("report-issue", args=[run.pk]),
        reverse("report-share", args=[report.pk]),
        reverse("report-delete", args=[report.pk]),
    ):
        assert there.post(at).status_code == 404
    assert "Cup final" not in words(there.get(reverse("reports")))
    assert Report.objects.filter(pk=report.pk).exists()


def test_a_viewer_reads_and_does_nothing_more(run, at_report, viewer, client_for):
    report = issue(at_report, run)
    there = client_for(viewer)
    page = words(there.get(reverse("report", args=[report.pk])))
    assert "0:12.0</a>" in page
    assert "Withdraw" not in page
    assert "Make a link" not in page
    assert "Issue this report" not in live(there, run)
    assert there.get(reverse("report-file", args=[report.pk, "pdf"])).status_code == 200
    for at in (
        reverse("report-issue", args=[run.pk]),
        reverse("report-share", args=[report.pk]),
        reverse("report-delete", args=[report.pk]),
    ):
        assert there.post(at).status_code == 403


def test_who_is_not_signed_in_is_asked_to(run, client, at_report):
    report = issue(at_report, run)
    for at in (reverse("run-report", args=[run.pk]), reverse("report", args=[report.pk])):
        answer = client.get(at)
        assert answer.status_code == 302
        assert reverse("sign-in") in answer["Location"]


def test_everyone_can_read_how_it_is_measured(client, db):
    page = words(client.get(reverse("methodology")))
    assert "<h1>" in page
    assert "<table>" in page


# --- a film that was deleted ----------------------------------------------------------------------


def test_a_deleted_film_has_no_report_of_today_until_it_is_back(at_report, run):
    issued = issue(at_report, run)
    today = reverse("run-report", args=[run.pk])
    run.asset.remove(by=None)
    assert at_report.get(today).status_code == 404
    assert (
        at_report.post(reverse("report-issue", args=[run.pk]), {"title": "More"}).status_code == 404
    )
    page = words(at_report.get(reverse("report", args=[issued.pk])))
    assert "Cup final" in page
    assert today not in page
    assert reverse("asset", args=[run.asset_id]) not in page
    run.asset.restore(by=None)
    assert at_report.get(today).status_code == 200
    assert today in words(at_report.get(reverse("report", args=[issued.pk])))


@pytest.mark.parametrize("name", ["run-view", "run-episodes", "run-moments", "run-minutes"])
def test_what_a_player_asks_for_goes_with_its_film(at_report, run, name):
    address = reverse(name, args=[run.pk])
    assert at_report.get(address).status_code == 200
    run.asset.remove(by=None)
    assert at_report.get(address).status_code == 404
