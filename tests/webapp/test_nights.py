"""The pages of nights: asking for one, what it found, and verdicts."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from analysis.sky.exports import read_ades_psv, read_mpc80
from tests.night_sky import bare_exposure, searched_night
from webapp.accounts.models import Refused
from webapp.nights.candidates import Candidate, CandidatePoint
from webapp.nights.deciding import decide, take_back
from webapp.nights.exports import exported, name_of
from webapp.nights.night import Night
from webapp.nights.options import DEFAULTS, checked

FORM = DEFAULTS | {"name": "Field 7"}


@pytest.fixture
def night(workspace, owner) -> Night:
    return searched_night(workspace, by=owner)


def page(client, name: str, *args) -> str:
    answer = client.get(reverse(name, args=args))
    assert answer.status_code == 200, answer.content[:400]
    return answer.content.decode()


def test_exposures_are_offered_by_night_field_and_band(workspace, analyst, client_for):
    first, other = bare_exposure(workspace, 0), bare_exposure(workspace, 1, band="g")
    bare_exposure(workspace, 2, name="dark.fits", role="dark")
    client = client_for(analyst)
    html = page(client, "night-new")
    assert f'name="exposures" value="{first.pk}"' in html
    assert html.count("night of 14 Mar 2026") == 2, "one group a band"
    fewer = client.get(reverse("night-new"), {"band": "g"}).content.decode()
    assert f'value="{other.pk}"' in fewer
    assert f'name="exposures" value="{first.pk}"' not in fewer
    assert 'value="Field 7, 14 March 2026"' in html, "a name is suggested"


def test_a_night_is_asked_for_in_the_order_of_time(workspace, analyst, client_for):
    late, early = bare_exposure(workspace, 1), bare_exposure(workspace, 0)
    reference = bare_exposure(workspace, -1, name="reference.fits", role="reference")
    sent = FORM | {
        "exposures": [late.pk, early.pk],
        "reference": reference.pk,
        "observatory": "568",
    }
    answer = client_for(analyst).post(reverse("night-new"), sent)
    night = Night.objects.get()
    assert answer["Location"] == reverse("night", args=[night.pk])
    assert [one.asset for one in night.exposures.all()] == [early, late]
    assert night.observatory == "568"
    assert night.status == "waiting"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"exposures": []}, "This field is required"),
        ({"threshold": "nan"}, "Enter a number"),
        ({"threshold": "1"}, "greater than or equal to 3"),
        ({"slowest": 200}, "The slowest motion has to be below the fastest"),
        ({"observatory": "Ab"}, "three characters"),
        ({"least": 3.5}, "whole number"),
        ({"reference": "9x"}, "Select a valid choice"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(workspace, analyst, client_for, change, says):
    exposures = [bare_exposure(workspace, n).pk for n in range(3)]
    sent = FORM | {"exposures": exposures} | change
    answer = client_for(analyst).post(reverse("night-new"), sent)
    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert not Night.objects.exists()


def test_a_catalogue_without_places_is_refused_before_a_night_is_searched(
    workspace, analyst, client_for
):
    exposures = [bare_exposure(workspace, n).pk for n in range(3)]
    browser = client_for(analyst)
    for text, says in (("name,mag\nA,12\n", "no column “ra”"), ("# nothing\n", "it is empty")):
        stars = SimpleUploadedFile("stars.csv", text.encode())
        sent = FORM | {"exposures": exposures, "catalogue": stars}
        answer = browser.post(reverse("night-new"), sent)
        assert answer.status_code == 422
        assert says in answer.content.decode()
    assert not Night.objects.exists()
    stars = SimpleUploadedFile("stars.csv", b"RAJ2000,DEJ2000,gmag\n10,20,12.5\n")
    browser.post(reverse("night-new"), FORM | {"exposures": exposures, "catalogue": stars})
    assert Night.objects.get().catalogue


def test_one_exposure_cannot_be_its_own_reference(workspace, owner):
    only = bare_exposure(workspace, 0)
    with pytest.raises(Refused, match="cannot be its own reference"):
        Night.objects.request(workspace, [only], name="x", by=owner)
    assert not Night.objects.exists()


def test_exposures_of_another_workspace_are_not_taken(workspace, other_workspace, owner):
    theirs = bare_exposure(other_workspace, 0)
    with pytest.raises(Refused, match="not in this workspace"):
        Night.objects.request(workspace, [theirs, theirs], name="x", by=owner)


def test_unknown_options_are_refused():
    with pytest.raises(Refused, match="no option “speed”"):
        checked({"speed": 3})


def test_candidates_can_be_sorted_and_filtered(night, viewer, client_for):
    client = client_for(viewer)
    url = reverse("night", args=[night.pk])

    def numbers(**asked) -> list[int]:
        return [one.number for one in client.get(url, asked).context["page"]]

    assert numbers() == [1, 3, 2], "what moves and is new first, what stands still last"
    assert numbers(sort="score") == [2, 1, 3]
    assert numbers(sort="rate", kind="moving") == [1, 3]
    assert numbers(known="yes") == [3]
    assert numbers(magnitude_from="18", magnitude_to="20") == [1]
    assert numbers(rate_from="nonsense", sort="nothing") == [1, 3, 2]
    html = client.get(url).content.decode()
    assert "Where they went" in html
    assert html.count("<polyline") == 3


def test_a_verdict_leads_to_the_next_that_waits(night, reviewer, client_for):
    client = client_for(reviewer)
    answer = client.post(reverse("night-decide", args=[night.pk, 1]), {"verdict": "accepted"})
    assert answer["Location"] == reverse("night-candidate", args=[night.pk, 3])
    one = Candidate.objects.get(number=1)
    before = (one.rate, one.magnitude, one.score)
    assert one.verdict == "accepted"
    html = page(client, "night-candidate", night.pk, 1)
    assert "Rene: accepted" in html
    back = client.post(reverse("night-take-back", args=[night.pk, 3]))
    assert back["Location"] == reverse("night-candidate", args=[night.pk, 1])
    one.refresh_from_db()
    assert one.verdict == ""
    assert (one.rate, one.magnitude, one.score) == before
    assert "taken back" in page(client, "night-candidate", night.pk, 1)
    for number in (1, 3):
        client.post(reverse("night-decide", args=[night.pk, number]), {"verdict": "rejected"})
    last = client.post(reverse("night-decide", args=[night.pk, 2]), {"verdict": "unsure"})
    assert last["Location"] == reverse("night", args=[night.pk])


def test_nobody_takes_back_the_verdict_of_another(night, reviewer, analyst):
    one = night.candidates.get(number=1)
    decide(one, "accepted", by=reviewer)
    assert take_back(one, by=analyst) is None
    decide(one, "unsure", by=analyst)
    assert take_back(one, by=analyst).before == "accepted"
    assert one.verdict == "accepted", "what the first said stands again"


def test_a_verdict_that_is_none_changes_nothing(night, reviewer, client_for):
    client_for(reviewer).post(reverse("night-decide", args=[night.pk, 1]), {"verdict": "gone"})
    assert night.candidates.get(number=1).verdict == ""
    assert not night.candidates.get(number=1).decisions.exists()


def test_a_viewer_sees_and_does_not_decide_and_a_stranger_sees_nothing(
    night, viewer, stranger, other_workspace, client_for
):
    client = client_for(viewer)
    assert "Accept" not in page(client, "night-candidate", night.pk, 1)
    url = reverse("night-decide", args=[night.pk, 1])
    assert client.post(url, {"verdict": "accepted"}).status_code == 403
    for name, args in (("night", [night.pk]), ("night-candidate", [night.pk, 1])):
        assert client_for(stranger).get(reverse(name, args=args)).status_code == 404
    assert client_for(stranger).post(url, {"verdict": "accepted"}).status_code == 404


def test_a_folder_is_switched_on_in_the_page(workspace, analyst, client_for, settings, tmp_path):
    client = client_for(analyst)
    assert "Watched folder" not in page(client, "nights")
    settings.NIGHTS_FOLDER = str(tmp_path)
    assert str(tmp_path / str(workspace.pk)) in page(client, "nights")
    client.post(reverse("night-watch"), {"do": "on"})
    assert "Switch off" in page(client, "nights")


def test_places_are_written_to_be_copied(night, viewer, client_for):
    html = page(client_for(viewer), "night-candidate", night.pk, 1)
    point = night.candidates.get(number=1).points.first()
    assert "9:59:57.60 +12:00:36.0" in html
    assert f"{point.ra:.6f}°" in html
    name = night.candidates.get(number=1).designation
    assert html.count(f"     {name}") == 3, "a record of 80 columns for each exposure"
    assert "instrumental: no catalogue was given" in html


def test_what_was_found_is_marked_in_the_whole_exposures(night, viewer, client_for):
    decide(night.candidates.get(number=2), "rejected", by=viewer)
    answer = client_for(viewer).get(reverse("night-candidate-exposures", args=[night.pk, 1]))
    shown = answer.context["for_viewer"]
    names = [one["name"] for one in shown["exposures"]]
    assert names == ["field7-1", "field7-2", "field7-3", "reference"]
    assert {one["label"] for one in shown["marks"]} == {"1", "3"}, "no artefacts"
    mine = [one for one in shown["marks"] if one["chosen"]]
    assert [one["exposure"] for one in mine] == [one["id"] for one in shown["exposures"][:3]]


def test_the_review_page_says_that_candidates_wait(night, reviewer, client_for):
    client = client_for(reviewer)
    html = page(client, "review")
    assert "candidates of the sky" in html
    assert f"{reverse('review-candidates')}?night={night.pk}" in html
    assert "Nothing waits" not in html
    assert '<span class="badge p n">3' in html, "the rail counts them"


@pytest.mark.parametrize("kind", ["mpc", "ades", "csv", "ds9"])
def test_accepted_candidates_are_written_as_files(night, viewer, reviewer, client_for, kind):
    client = client_for(viewer)
    url = reverse("night-export", args=[night.pk, kind])
    assert "No candidate is accepted yet" in client.get(url, follow=True).content.decode()
    decide(night.candidates.get(number=3), "accepted", by=reviewer)
    decide(night.candidates.get(number=1), "accepted", by=reviewer)
    text = client.get(url).content.decode()
    if kind == "mpc":
        back = read_mpc80(text)
    elif kind == "ades":
        back = read_ades_psv(text)
    else:
        assert "Eros" in text
        assert night.candidates.get(number=1).designation in text
        return
    assert {str(one.name) for one in back} == {night.candidates.get(number=1).designation, "433"}
    assert len(back) == 6
    point = night.candidates.get(number=1).points.first()
    assert back[0].ra == pytest.approx(point.ra, abs=1e-5)
    assert back[0].mjd == pytest.approx(point.mjd, abs=1e-6)
    assert "Telescope and aperture not given" in text, "the forms want both, and we know neither"
    night.site = {"telescope": "Ritchey-Chretien", "aperture_m": 0.6}
    night.save()
    assert "not given" not in client.get(url).content.decode()
    whole = client.get(url, {"which": "all"}).content.decode()
    assert len((read_mpc80 if kind == "mpc" else read_ades_psv)(whole)) == 9


def test_without_coordinates_a_report_of_places_is_refused_in_words(night, viewer, client_for):
    Night.objects.filter(pk=night.pk).update(has_coordinates=False)
    CandidatePoint.objects.update(ra=None, dec=None)
    client = client_for(viewer)
    url = reverse("night-export", args=[night.pk, "ades"])
    said = client.get(url, {"which": "all"}, follow=True)
    assert said.redirect_chain
    regions = client.get(reverse("night-export", args=[night.pk, "ds9"]), {"which": "all"})
    assert "image" in regions.content.decode()
    nothing = client.get(reverse("night-export", args=[night.pk, "xml"]), follow=True)
    assert "no such file" in nothing.content.decode()


def test_the_report_says_what_it_rests_on(night, viewer, reviewer, client_for):
    decide(night.candidates.get(number=1), "accepted", by=reviewer)
    html = page(client_for(viewer), "night-report", night.pk)
    for said in ("14 March", "reference.fits", "Accepted", "ZOGY", "36.00", "Decided by", "568"):
        assert said in html


def test_the_report_says_how_much_is_found_and_how_pure_by_magnitude_and_speed(
    night, viewer, client_for
):
    client = client_for(viewer)
    html = page(client, "night-report", night.pk)
    assert "Not measured" in html, "why it is not known belongs to the report too"
    shares = [
        {"low": low, "high": low + 1, "number": 4, "found": 3, "share": 0.75,
         "share_low": 0.3, "share_high": 0.95}
        for low in (18.0, 19.0)
    ]  # fmt: skip
    measured = {
        "by_magnitude": shares, "by_speed": shares, "purity": shares, "number": 8, "found": 6,
        "half_magnitude": None, "false": 2,
    }  # fmt: skip
    night.figures["completeness"] = measured
    night.save()
    html = page(client, "night-report", night.pk)
    assert "Of what was listed, by rate" not in html, "a night of before did not measure it"
    night.figures["completeness"]["purity_by_speed"] = shares
    night.save()
    for html in (page(client, "night-report", night.pk), page(client, "night", night.pk)):
        assert html.count("Completeness and purity: Share, % over") == 2
        for of in ("put in", "listed"):
            assert f"Of what was {of}, by rate, ″/h" in html
            assert f"Of what was {of}, by instrumental magnitude" in html


def test_a_reference_that_was_stacked_can_be_fetched(night, viewer, client_for):
    client = client_for(viewer)
    assert "as FITS" not in page(client, "night", night.pk)
    name = default_storage.save("nights/1/reference-x.fits", ContentFile(b"SIMPLE  = T"))
    Night.objects.filter(pk=night.pk).update(reference=None, stacked=name)
    link = re.search(r'href="([^"]+)">as FITS', page(client, "night", night.pk))
    assert link is not None
    answer = client.get(unescape(link[1]))
    assert b"".join(answer.streaming_content).startswith(b"SIMPLE")
    assert "14-march-reference.fits" in answer["Content-Disposition"]


def test_names_are_those_that_a_report_can_hold(night):
    names = {"(433) Eros": "433", "2026 WB12": "2026 WB12", "433 Eros": "433", "a comet": ""}
    one = night.candidates.get(number=1)
    for known, name in names.items():
        one.known_as = known
        assert str(name_of(one)) == (name or one.designation)
    assert len(one.designation) <= 7


def test_nights_are_counted_without_multiplying_what_they_have(night, workspace, owner):
    Candidate.objects.filter(night=night, number=1).update(verdict="accepted")
    Candidate.objects.filter(night=night, number=2).update(verdict="rejected", is_gone=True)
    other = bare_exposure(workspace, 7), bare_exposure(workspace, 8)
    empty = Night.objects.request(workspace, other, name="Nothing yet", by=owner)
    counts = {
        one.pk: (one.n_exposures, one.n_candidates, one.n_undecided)
        for one in Night.objects.with_counts()
    }
    assert counts == {night.pk: (3, 2, 1), empty.pk: (2, 0, 0)}


def test_a_file_of_many_points_reads_each_exposure_once(night, django_assert_max_num_queries):
    with django_assert_max_num_queries(4):
        _, text = exported(night, "csv", "all")
    assert len(text.splitlines()) == 1 + 9
