"""Searches by pictures beside words: the moments that answer, what is not meant, and why."""

from __future__ import annotations

from dataclasses import asdict

import cv2
import pytest
from django.core.files.base import ContentFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.encoded import a_worker_that_encodes, encoded, index_all, picture, space_of
from tests.spoken import transcribed
from webapp.asking.answering import answer, in_turns, plays_at
from webapp.asking.asks import Ask
from webapp.asking.judgements import Judgement
from webapp.asking.wishes import Wish
from webapp.assets.models import Asset, Collection
from webapp.spaces.codes import Code
from workers.asking.pieces import ask

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
def space(films, workspace):
    made = space_of(workspace)
    index_all()
    made.refresh_from_db()
    return made


@pytest.fixture
def asked(workspace, viewer):
    """asked(101): that picture, by the viewer, looked at already."""

    def make(number: int, by=viewer) -> Ask:
        png = cv2.imencode(".png", picture(number))[1].tobytes()
        row = Ask.objects.by_picture(workspace, ContentFile(png), f"{number}.png", by=by)
        ask(row.pk)
        row.refresh_from_db()
        assert (row.error, row.notes) == ("", [])
        return row

    return make


def best(answers):
    return [(span.asset, span.start_s) for span in answers.spans]


def page(browser, **query) -> str:
    return browser.get("/search", query).content.decode()


def test_a_space_that_finds_no_more_than_chance_is_warned_of_where_it_answers(
    space, asked, workspace, viewer
):
    way = {"kind": "both", "questions": 50, "recall": {"5": 0.11}, "chance": {"5": 0.1}}
    space.kind, space.figures = "taught", {"is_measured_apart": True, "ablation": [way]}
    space.save()
    notes = answer(workspace, viewer, "", [Wish(asked(101))]).notes
    assert any("no more often than chance would" in note for note in notes)
    way["recall"]["5"] = 0.5
    space.save()
    assert answer(workspace, viewer, "", [Wish(asked(101))]).notes == []


def test_a_picture_finds_its_moment_first(films, space, asked, workspace, viewer):
    found = answer(workspace, viewer, "", [Wish(asked(101))])
    assert found.spans[0].asset == films[0].pk
    first = found.of(found.spans[0])[0]
    assert 4 <= first.hit.time_s < 7
    assert first.rank == 1


def test_no_film_goes_before_what_is_more_alike_because_it_has_clips(
    films, workspace, asset_in, asked, viewer
):
    still = encoded(asset_in(workspace, "still.png"), (300, 1))
    Asset.objects.filter(pk=still.pk).update(kind=Asset.Kind.IMAGE)
    space_of(workspace)
    index_all()
    found = answer(workspace, viewer, "", [Wish(asked(300))])
    assert found.spans[0].asset == still.pk
    alike = [max(found.hits[p.key].hit.score for p in span.pieces) for span in found.spans]
    assert alike == sorted(alike, reverse=True)


def test_what_sounds_like_a_picture_never_goes_before_the_picture_itself():
    assert in_turns([["itself", "near"], ["sound", "other", "last"]]) == [
        *("itself", "sound", "near", "other", "last")
    ]


def test_what_is_not_meant_goes(films, space, asked, workspace, viewer):
    one, other = asked(101), asked(202)
    both = answer(workspace, viewer, "", [Wish(one), Wish(other)])
    assert {span.asset for span in both.spans[:2]} == {film.pk for film in films}
    less = answer(workspace, viewer, "", [Wish(one), Wish(other, -1.0)])
    assert less.spans[0].asset == films[0].pk
    unwanted = both.spans[[span.asset for span in both.spans].index(films[1].pk)]
    assert (unwanted.asset, unwanted.start_s) not in best(less)[:2]
    much = answer(workspace, viewer, "", [Wish(one, 0.5), Wish(other, 2.0)])
    assert much.spans[0].asset == films[1].pk, "what counts more goes before"


def test_filters_narrow_what_may_answer_and_never_empty_it(
    films, space, asked, workspace, viewer, client_for
):
    row, browser = asked(101), client_for(viewer)
    Collection.objects.create(workspace=workspace, name="Cup")
    films[1].collection = workspace.collections.get()
    films[1].save()
    narrowed = answer(workspace, viewer, 'collection:"Cup"', [Wish(row)])
    assert {span.asset for span in narrowed.spans} == {films[1].pk}, "the nearest of those"
    assert answer(workspace, viewer, "longer:1h", [Wish(row)]).spans == []
    assert answer(workspace, viewer, "in:said", [Wish(row)]).spans == []
    assert answer(workspace, viewer, "in:seen", [Wish(row)]).spans
    assert "film-2" in page(browser, ask=row.pk, collection="Cup")
    for what in ("collection", "project"):
        assert f"There is no {what} called No." in page(browser, ask=row.pk, q=f'{what}:"No"')
        assert f"There is no {what} called No." in page(browser, q=f'boats {what}:"No"')


def test_a_deleted_film_is_gone_at_once(films, space, asked, workspace, viewer):
    row = asked(101)
    films[0].remove(by=viewer)
    found = answer(workspace, viewer, "", [Wish(row)])
    assert {span.asset for span in found.spans} == {films[1].pk}


def test_words_and_a_picture_find_together_what_both_find(
    films, space, asked, workspace, viewer, owner
):
    transcribed(films[1], by=owner)
    row = asked(101)
    found = answer(workspace, viewer, "harbour", [Wish(row)])
    assert {films[0].pk, films[1].pk} <= {span.asset for span in found.spans[:2]}
    alone = answer(workspace, viewer, "harbour", [])
    assert {span.asset for span in alone.spans} == {films[1].pk}, "this space knows no words"


def test_the_reason_has_codes_by_their_names_and_where_they_are(
    films, space, asked, viewer, client_for
):
    row, browser = asked(101), client_for(viewer)
    found = page(browser, ask=row.pk)
    assert "Looks alike" in found
    address = found.partition(f'hx-get="{reverse("search-why")}')[2].partition('"')[0]
    address = reverse("search-why") + address.replace("&amp;", "&")
    why = browser.get(address).content.decode()
    assert "code " in why
    assert "rank 1" in why
    number = int(why.partition("code ")[2].partition("<")[0])
    Code.objects.create(space=space, number=number, name="yellow boats")
    assert "yellow boats" in browser.get(address).content.decode()
    other = int(why.split(">code ")[2].partition("<")[0])
    Code.objects.create(space=space, number=other, name="yellow boats")
    assert f"yellow boats (code {other})" in browser.get(address).content.decode()
    Code.objects.filter(space=space).update(is_muted=True)
    assert "yellow boats" not in browser.get(address).content.decode()


def test_what_is_said_to_be_wrong_goes_and_what_is_right_draws_its_like_nearer(
    films, space, asked, workspace, viewer, client_for
):
    row, browser = asked(101), client_for(viewer)
    before = answer(workspace, viewer, "", [Wish(row)])
    other = next(span for span in before.spans if span.asset == films[1].pk)
    near = before.of(other)[0].hit.near
    at = plays_at(before.of(other)[0].hit)
    sent = {"ask": row.pk, "said": f"right:{other.asset}:{at:.3f}"}
    told = browser.post(reverse("search-judge"), sent, follow=True).content.decode()
    assert "1 right, 0 wrong" in told
    after = answer(workspace, viewer, "", [Wish(row)])
    again = next(s for s in after.spans if s.asset == other.asset and s.start_s <= at <= s.end_s)
    assert after.of(again)[0].hit.near > near
    (pair,) = Judgement.objects.pairs(workspace)
    assert (pair.ask, pair.asset) == (row, films[1].pk)
    first = after.spans[0]
    time_s = plays_at(after.of(first)[0].hit)
    browser.post(reverse("search-judge"), sent | {"said": f"wrong:{first.asset}:{time_s:.3f}"})
    left = answer(workspace, viewer, "", [Wish(row)])
    assert not any(s.asset == first.asset and s.start_s <= time_s <= s.end_s for s in left.spans)
    browser.post(reverse("search-unjudge"), {"ask": row.pk})
    assert [one.is_right for one in Judgement.objects.all()] == [True], "the last is taken back"
    browser.post(reverse("search-unjudge"), {"ask": row.pk, "said": "all"})
    assert best(answer(workspace, viewer, "", [Wish(row)])) == best(before)


def test_an_ask_of_another_encoder_is_looked_at_again(
    films, space, asked, workspace, viewer, client_for
):
    row = asked(101)
    Ask.objects.update(engine="another")
    assert "every 1s" in page(client_for(viewer), ask=row.pk)
    ask(row.pk)
    row.refresh_from_db()
    assert answer(workspace, viewer, "", [Wish(row)]).spans


def test_a_moment_that_is_asked_by_is_no_answer_to_itself(films, space, asked, workspace, viewer):
    row = asked(101)
    Ask.objects.filter(pk=row.pk).update(kind=Ask.Kind.MOMENT, asset=films[0], time_s=5.0)
    row.refresh_from_db()
    found = answer(workspace, viewer, "", [Wish(row)])
    hits = [one.hit for one in found.hits.values()]
    assert hits
    assert not any(h.asset == films[0].pk and h.start_s <= 5 < h.end_s for h in hits)


def test_the_page_asks_the_database_little(films, space, asked, viewer, client_for):
    rows, browser = [asked(101), asked(202)], client_for(viewer)
    browser.get("/search", {"ask": rows[0].pk})
    with CaptureQueriesContext(
        connection,
    ) as one:
        page(browser, ask=rows[0].pk)
    with CaptureQueriesContext(connection) as two:
        browser.get("/search", {"ask": [row.pk for row in rows]})
    assert len(one) <= 40
    assert len(two) - len(one) <= 12, "one more question to each index"


def test_within_one_film_what_stands_out_is_told_as_a_span_of_time(
    films, space, asked, workspace, viewer, client_for, key_for, client
):
    row = asked(101)
    found = answer(workspace, viewer, "", [Wish(row)], within=films[0])
    assert {span.asset for span in found.spans} == {films[0].pk}
    assert found.spans[0].start_s <= 4.5
    assert 6 <= found.spans[0].end_s <= 7.5, "the second shot, from 4 to 7 s"
    told = page(client_for(viewer), ask=row.pk, within=films[1].pk)
    assert "Only in film-2" in told
    assert "film-1" not in told
    asks = {"q": "", "asks": str(row.pk), "within": films[0].pk}
    read = client.get("/api/v1/search/", asks, **key_for(viewer)).json()
    assert read["moments"][0]["asset"] == films[0].pk
    nowhere = asks | {"within": 99}
    assert client.get("/api/v1/search/", nowhere, **key_for(viewer)).status_code == 404


def test_a_search_asks_the_database_no_more_for_each_answer_that_was_judged(
    films, space, asked, workspace, viewer
):
    row = asked(101)
    found = answer(workspace, viewer, "", [Wish(row)])

    def queries(n: int) -> int:
        Judgement.objects.all().delete()
        for hit in [one.hit for one in found.hits.values()][:n]:
            Judgement.objects.create(
                workspace=workspace,
                user=viewer,
                ask=row,
                asset_id=hit.asset,
                time_s=hit.time_s,
                end_s=hit.end_s,
                found=asdict(hit),
                is_right=True,
            )
        with CaptureQueriesContext(connection) as seen:
            answer(workspace, viewer, "", [Wish(row)])
        return len(seen)

    assert queries(4) == queries(1)
