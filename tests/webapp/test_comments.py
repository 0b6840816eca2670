"""What people say about a moment: kept with it, told to whom it concerns, and nobody else's."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.core import mail
from django.core.exceptions import PermissionDenied
from django.urls import reverse
from django.utils import timezone

from webapp.accounts.models import Refused
from webapp.comments import people
from webapp.comments.comments import KEPT, LONGEST, Comment
from webapp.comments.notices import Notice
from webapp.comments.panel import Panel

pytestmark = pytest.mark.django_db
JSON = {"HTTP_ACCEPT": "application/json"}


@pytest.fixture
def say(asset):
    """say(who, "text", …): a comment on the asset."""

    def say(by, text: str, **about) -> Comment:
        return Comment.objects.say(asset, by=by, text=text, **about)

    return say


def inbox(user, workspace) -> list[tuple[str, str]]:
    found = Notice.objects.of(user, workspace).order_by("pk")
    return [(notice.kind, notice.comment.text) for notice in found]


# --- the person, not the text -------------------------------------------------------------------


def test_a_mention_is_kept_as_the_person_who_is_told_under_the_name_they_have_now(
    say, analyst, viewer, workspace
):
    comment = say(viewer, "Is this right, @ana?", start_s=12.5)
    assert comment.text == f"Is this right, @{{{analyst.pk}}}?"
    assert inbox(analyst, workspace) == [("mentioned", comment.text)]
    analyst.name = "Ana Silva"
    analyst.save()
    said = Panel.of(comment.asset, viewer).threads[0].first
    assert "".join(part.text for part in said.parts) == "Is this right, @Ana Silva?"
    assert said.typed == "Is this right, @Ana Silva?"


def test_the_longest_name_is_meant_and_ends_where_a_word_does(person, workspace, say, owner):
    ann, ann_lee = person("ann", "viewer", workspace), person("x", "viewer", workspace)
    ann_lee.name = "Ann Lee"
    ann_lee.save()
    comment = say(owner, "@Ann Lee and @ANN, not @Annika nor mail@ann or x@@ann")
    assert people.mentioned(comment.text) == [ann_lee.pk, ann.pk]
    assert comment.text.endswith("not @Annika nor mail@ann or x@@ann")


def test_of_two_with_one_name_the_address_says_which(person, workspace, say, owner):
    first, second = person("kim", "viewer", workspace), person("kim2", "analyst", workspace)
    second.name = "Kim"
    second.save()
    comment = say(owner, "@Kim or @kim2@example.org.")
    assert people.mentioned(comment.text) == [second.pk]
    handles = {one.pk: one.handle for one in people.people_of(workspace)}
    assert handles[first.pk] == "kim@example.org"


def test_only_who_can_see_the_asset_can_be_mentioned(say, owner, labeller, stranger, workspace):
    comment = say(owner, "@Lars @Sten @sten@example.org")
    assert people.mentioned(comment.text) == []
    for other in (labeller, stranger):
        with pytest.raises(Refused, match="Only members"):
            say(owner, f"look @{{{other.pk}}}")
    assert not Notice.objects.exists()


def test_an_edit_tells_who_is_new_in_it_and_spares_who_is_no_longer(
    say, owner, analyst, viewer, workspace
):
    comment = say(owner, "@Ana look")
    comment.edit("@Vera look", by=owner)
    assert inbox(analyst, workspace) == []
    assert [kind for kind, _ in inbox(viewer, workspace)] == ["mentioned"]
    comment.undo_edit(by=owner)
    assert [kind for kind, _ in inbox(analyst, workspace)] == ["mentioned"]
    assert inbox(viewer, workspace) == []


def test_who_spoke_in_a_thread_is_told_of_answers_once(say, owner, analyst, viewer, workspace):
    first = say(viewer, "What is this?", start_s=3.0)
    answer = say(analyst, "A kestrel.", thread=first)
    say(owner, "@Ana are you sure?", thread=answer)
    assert [kind for kind, _ in inbox(viewer, workspace)] == ["answered", "answered"]
    assert [kind for kind, _ in inbox(analyst, workspace)] == ["mentioned"]
    assert inbox(owner, workspace) == []
    assert {c.start_s for c in Comment.objects.all()} == {3.0}
    assert answer.thread == first


def test_a_letter_is_written_where_the_site_sends_any(
    say, owner, analyst, settings, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        say(owner, "quiet, @Ana")
    assert mail.outbox == []
    settings.EMAIL_HOST = "mail.example.org"
    with django_capture_on_commit_callbacks(execute=True):
        comment = say(owner, "@Ana\nlook", start_s=12.5)
    (letter,) = mail.outbox
    assert letter.to == [analyst.email]
    assert f"/comments/{comment.pk}" in letter.body
    assert "at 0:12.5" in letter.body
    assert Notice.objects.get(comment=comment).told


def test_a_mail_server_that_is_away_loses_no_comment(
    say, owner, analyst, settings, django_capture_on_commit_callbacks
):
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    with django_capture_on_commit_callbacks(execute=True):
        comment = say(owner, "@Ana look")
    assert Notice.objects.get(comment=comment).told is None


# --- what cannot be -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("about", "why"),
    [
        ({"text": ""}, "Write something first."),
        ({"text": " \n\t\u200b "}, "Write something first."),
        ({"text": "x" * 10_000}, "at most 5,000 characters; this has 10,000"),
        ({"start_s": float("nan")}, "a time from 0 on"),
        ({"start_s": -1.0}, "a time from 0 on"),
        ({"start_s": 500.0}, "after its end"),
        ({"start_s": 20.0, "end_s": 10.0}, "begins before it ends"),
        ({"box": [0.1, 0.1, 0.1, 0.4]}, "begins left of"),
        ({"box": [0.1, 0.1, 1.2, 0.4]}, "four fractions"),
        ({"box": [0.1, 0.1]}, "four fractions"),
    ],
)
def test_nonsense_is_refused_in_a_sentence(say, owner, about, why):
    with pytest.raises(Refused, match=why):
        say(owner, **({"text": "hello"} | about))
    assert not Comment.objects.exists()


def test_what_a_person_types_is_kept_as_text(say, owner, client_for):
    comment = say(owner, "<b>bold</b>\r\nnext\0 " + "x" * (LONGEST - 20))
    assert "\0" not in comment.text
    page = client_for(owner).get(reverse("asset", args=[comment.asset_id])).content.decode()
    assert "&lt;b&gt;bold&lt;/b&gt;\nnext" in page


def test_a_deleted_asset_takes_no_comment_and_tells_of_none(
    say, owner, analyst, asset, workspace, client_for
):
    comment = say(owner, "@Ana look")
    asset.removed = timezone.now()
    asset.save()
    assert inbox(analyst, workspace) == []
    browser = client_for(analyst)
    assert browser.get(reverse("comment", args=[comment.pk])).status_code == 404
    address = reverse("asset-comments", args=[asset.pk])
    assert browser.post(address, {"text": "x"}, **JSON).status_code == 404


# --- edited, deleted, resolved, and all of it taken back ----------------------------------------


def test_its_author_edits_and_deletes_it_and_takes_that_back(say, viewer, client_for):
    comment, browser = say(viewer, "Acme"), client_for(viewer)
    edit = reverse("comment-edit", args=[comment.pk])
    assert "ACME is" in browser.post(edit, {"text": "ACME is"}, **JSON).json()["html"]
    assert browser.post(edit, {"text": " "}, **JSON).json()["detail"] == "Write something first."
    act = lambda do: browser.post(reverse("comment-act", args=[comment.pk, do]), **JSON)  # noqa: E731
    assert "ACME is" not in act("undo-edit").json()["html"]
    assert "Nothing is said here yet" in act("delete").json()["html"]
    assert act("undo-edit").json()["detail"] == "This comment was deleted."
    assert browser.post(edit, {"text": "again"}, **JSON).status_code == 422
    assert "Acme" in act("restore").json()["html"]


def test_nobody_else_edits_or_deletes_it(say, viewer, owner, client_for, key_for):
    comment = say(viewer, "mine")
    browser = client_for(owner)
    answers = [
        browser.post(reverse("comment-edit", args=[comment.pk]), {"text": "yours"}, **JSON),
        browser.post(reverse("comment-act", args=[comment.pk, "delete"]), **JSON),
        browser.delete(f"/api/v1/comments/{comment.pk}/", **key_for(owner)),
    ]
    assert [answer.status_code for answer in answers] == [403] * 3
    comment.refresh_from_db()
    assert (comment.text, comment.deleted) == ("mine", None)
    with pytest.raises(PermissionDenied):
        comment.edit("yours", by=owner)


def test_answers_outlive_the_comment_they_answer(say, viewer, owner, client_for):
    first = say(viewer, "first words")
    say(owner, "an answer", thread=first)
    first.delete_by(viewer)
    page = client_for(owner).get(reverse("asset-comments", args=[first.asset_id]))
    html = page.content.decode()
    assert "Deleted by who wrote it." in html
    assert "an answer" in html
    assert "first words" not in html
    with pytest.raises(Refused, match="was deleted"):
        say(owner, "more", thread=first)


def test_what_was_deleted_long_ago_is_erased_and_its_answers_stay(say, viewer, owner):
    first, alone, fresh = say(viewer, "first"), say(viewer, "alone"), say(viewer, "fresh")
    answer = say(owner, "an answer", thread=first)
    for comment in (first, alone, fresh):
        comment.delete_by(viewer)
    Comment.objects.filter(pk__in=[first.pk, alone.pk]).update(
        deleted=timezone.now() - KEPT - timedelta(days=1)
    )
    Comment.objects.forget_deleted()
    left = dict(Comment.objects.values_list("pk", "text"))
    assert left == {first.pk: "", answer.pk: "an answer", fresh.pk: "fresh"}


def test_a_thread_is_resolved_once_and_reopened(say, viewer, reviewer):
    first = say(viewer, "fix this")
    answer = say(reviewer, "done", thread=first)
    assert answer.resolve(by=reviewer)
    assert not first.resolve(by=viewer)
    first.refresh_from_db()
    assert first.resolved_by == reviewer
    assert first.reopen(by=viewer)


def test_who_left_stays_the_author_and_is_said_to_have_left(say, analyst, owner, workspace):
    say(analyst, "before I go")
    say(owner, "thank you @Ana")
    workspace.memberships.get(user=analyst).remove(by=owner)
    first, second = Panel.of(Comment.objects.first().asset, owner).threads
    assert (first.first.by, first.first.has_left) == ("Ana", True)
    assert second.first.parts[-1].text == "@Ana"
    assert "Ana" not in [one.name for one in people.people_of(workspace)]
    analyst.delete()
    first, second = Panel.of(Comment.objects.first().asset, owner).threads
    assert first.first.by == ""
    assert second.first.parts[-1].text == "@somebody who left"


def test_a_text_that_names_somebody_who_left_can_still_be_edited(say, analyst, owner, workspace):
    comment = say(owner, "@Ana did this")
    workspace.memberships.get(user=analyst).remove(by=owner)
    said = Panel.of(comment.asset, owner).threads[0].first
    assert said.typed == f"@{{{analyst.pk}}} did this"
    comment.edit(f"{said.typed} well", by=owner)
    with pytest.raises(Refused, match="Only members"):
        say(owner, said.typed)


def test_a_reaction_is_counted_and_taken_back(say, owner, viewer, client_for):
    comment = say(owner, "nice")
    address, browser = reverse("comment-react", args=[comment.pk]), client_for(viewer)
    assert "Thanks, 1: Vera" in browser.post(address, {"kind": "thanks"}, **JSON).json()["html"]
    client_for(owner).post(address, {"kind": "thanks"}, **JSON)
    (tally,) = [t for t in _tallies(comment, viewer) if t.count]
    assert (tally.count, tally.is_mine, tally.who) == (2, True, "Vera, Olga")
    assert browser.post(address, {"kind": "shrug"}, **JSON).status_code == 422
    browser.post(address, {"kind": "thanks"}, **JSON)
    assert [t.count for t in _tallies(comment, viewer) if t.count] == [1]


def _tallies(comment, reader):
    return Panel.of(comment.asset, reader).threads[0].first.tallies


# --- seen by whom -------------------------------------------------------------------------------


def test_the_inbox_tells_of_both_comments_and_searches_and_a_link_leads_there(
    say, owner, viewer, client_for
):
    comment = say(owner, "@Vera is this a bank?", start_s=12.5)
    browser = client_for(viewer)
    page = browser.get(reverse("inbox")).content.decode()
    assert "<b>Olga</b> mentioned you" in page
    assert "@Vera is this a bank?" in page
    assert '<span class="badge p n">1<span class="hide"> new</span>' in page
    there = browser.get(reverse("comment", args=[comment.pk]))
    where = f"{reverse('asset', args=[comment.asset_id])}?t=12.50&comment={comment.pk}"
    assert there.headers["Location"] == where
    assert 'class="badge p n">' not in browser.get(reverse("inbox")).content.decode()
    say(owner, "@Vera again")
    browser.post(reverse("inbox-seen"))
    assert not Notice.objects.filter(user=viewer).unseen().exists()


def test_a_labeller_and_a_stranger_see_nothing(say, owner, labeller, stranger, client_for):
    comment = say(owner, "between us")
    for other in (labeller, stranger):
        browser = client_for(other)
        for name, pk in (("asset-comments", comment.asset_id), ("comment", comment.pk)):
            assert browser.get(reverse(name, args=[pk])).status_code in (302, 403, 404)
            answer = browser.post(reverse("comment-react", args=[comment.pk]), {"kind": "agree"})
            assert answer.status_code in (302, 403, 404)
    assert not comment.reactions.exists()


def test_of_another_thing_a_thread_is_no_thread(say, owner, workspace, asset_in, client_for):
    comment, other = say(owner, "here"), asset_in(workspace, "other.mp4")
    address = reverse("asset-comments", args=[other.pk])
    answer = client_for(owner).post(address, {"text": "x", "thread": comment.pk}, **JSON)
    assert answer.status_code == 404
    assert not other.comments.exists()


def test_a_thousand_comments_cost_few_questions(
    asset, owner, viewer, client_for, django_assert_max_num_queries
):
    rows = [Comment(asset=asset, text=f"n {n}", start_s=n / 10, by=owner) for n in range(1000)]
    Comment.objects.bulk_create(rows)
    browser = client_for(viewer)
    with django_assert_max_num_queries(10):
        page = browser.get(reverse("asset-comments", args=[asset.pk]))
    assert page.content.decode().count("data-thread=") == 1000


def test_without_scripts_a_form_comments_too(asset, viewer, client_for):
    address = reverse("asset-comments", args=[asset.pk])
    answer = client_for(viewer).post(address, {"text": "plain", "start_s": "4.5"})
    assert answer.headers["Location"] == reverse("asset", args=[asset.pk])
    assert Comment.objects.get().start_s == 4.5


# --- the API ------------------------------------------------------------------------------------


def test_the_api_comments_answers_and_resolves(asset, owner, viewer, key_for):
    from django.test import Client

    client, mine, theirs = Client(), key_for(viewer), key_for(owner)

    def send(path: str, key, method: str = "post", **body):
        text = json.dumps(body)
        return getattr(client, method)(
            f"/api/v1/{path}", text, content_type="application/json", **key
        )

    wish = {"asset": asset.pk, "start_s": 5, "box": [0.1, 0.2, 0.3, 0.4]}
    made = send("comments/", mine, text="@Olga look", **wish)
    assert made.status_code == 201, made.content
    comment = made.json()
    assert comment["text"] == "@Olga look"
    assert comment["mentions"] == [{"id": owner.pk, "name": "Olga"}]
    send("comments/", theirs, asset=asset.pk, thread=comment["id"], text="seen")
    path = f"comments/{comment['id']}/"
    assert send(f"{path}react/", theirs, kind="agree").json()["reactions"][0]["count"] == 1
    assert send(f"{path}react/", theirs, kind="agree", on=False).json()["reactions"] == []
    assert send(path, mine, "patch", text="@Olga please").json()["edited"]
    assert send(f"{path}undo-edit/", mine).json()["text"] == "@Olga look"
    assert send(f"{path}undo-edit/", mine).status_code == 409
    assert send(f"{path}resolve/", theirs).json()["resolved"]
    listed = client.get(f"/api/v1/comments/?asset={asset.pk}&state=resolved", **theirs).json()
    assert [one["text"] for one in listed["results"]] == ["@Olga look", "seen"]
    assert client.get("/api/v1/comments/?state=open", **theirs).json()["results"] == []
    assert send(path, mine, "delete").status_code == 204
    assert client.get(f"/api/v1/{path}", **theirs).json()["text"] == ""
    assert send(f"{path}restore/", mine).json()["deleted"] is None
    (notice,) = client.get("/api/v1/notices/", **theirs).json()["results"]
    assert (notice["kind"], notice["seen"]) == ("mentioned", None)
    assert send(f"notices/{notice['id']}/see/", theirs).json()["seen"]
    assert send(f"notices/{notice['id']}/see/", mine).status_code == 404
    assert send("comments/", mine, text="x" * 10_000, asset=asset.pk).status_code == 400


def test_a_key_that_only_reads_says_nothing(asset, viewer, key_for, client):
    key = key_for(viewer, can_write=False)
    body = json.dumps({"asset": asset.pk, "text": "x"})
    answer = client.post("/api/v1/comments/", body, content_type="application/json", **key)
    assert answer.status_code == 403
