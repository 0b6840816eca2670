"""What the labelling page is told about one work, and how far it is in the job."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from markdown_it import MarkdownIt

from webapp.accounts.models import Action, User
from webapp.assets.links import media_link
from webapp.labelling import documents, guidelines
from webapp.labelling.figures import progress
from webapp.labelling.jobs import LabelingJob
from webapp.labelling.works import Work

MOST_PRELOADED = 4
_VERBS = ("operations", "finish", "skip", "give_back", "history", "restore", "predict", "seconds")


def instructions_html(job: LabelingJob) -> str:
    """The instructions as HTML. Markup in them is shown as text, and dangerous links are none."""
    markdown = MarkdownIt("commonmark", {"html": False, "breaks": True}).disable("image")
    return markdown.enable("table").render(job.instructions)


def frame_url(work: int) -> str:
    return reverse("labelling-frame", args=[work, 0]).replace("/0.jpg", "/{n}.jpg")


def mode_of(work: Work, user: User, *, reviews: bool) -> str:
    """What this person does with the work: "label" it, "review" it, or "look" at it."""
    if reviews and work.is_before(user):
        return "review"
    return "label" if work.user_id == user.pk and not work.why_not(user) else "look"


def work_json(work: Work, user: User, *, reviews: bool) -> dict[str, Any]:
    """Everything the page needs to show the work to this person, and to change it.

    reviews: whether their role lets them review it.
    """
    item = work.item
    job, (width, height) = item.job, item.size
    mode = mode_of(work, user, reviews=reviews)
    previous, next_ = (None, None) if mode == "review" else work.neighbours()
    document = documents.complete(work.document)
    return {
        "id": work.pk,
        "job": _job_json(job),
        "kind": "clip" if item.is_clip else "picture",
        "task": job.dataset.task,
        "width": width,
        "height": height,
        "times": item.times_s,
        "frame_url": frame_url(work.pk),
        "labels": _labels_json(job, document),
        "document": document,
        "version": work.version,
        "status": work.status,
        "mode": mode,
        "may_change": mode != "look",
        "why_not": "" if mode != "look" else work.why_not(user) or "You may look at it.",
        "person": str(work.user),
        "reason": work.reason,
        "proposals": item.proposals,
        "progress": {"position": item.position + 1} | progress(job, work.user),
        "previous": previous,
        "next": next_,
        "preload": _preload(work),
        "urls": {
            verb: reverse("labelling-" + verb.replace("_", "-"), args=[work.pk]) for verb in _VERBS
        }
        | {
            "job": _back(job) if mode == "label" else reverse("labelling"),
            "remarks": reverse("labelling-remarks", args=[work.pk]),
        },
        "review": _review_json(work, user, mode, reviews=reviews),
    }


def _review_json(work: Work, user: User, mode: str, *, reviews: bool) -> dict[str, Any]:
    """What reviewers said of it, and what this person may do about it."""
    remarks = work.remarks.standing().select_related("by", "resolved_by")
    rows = work.reviews.select_related("by")
    return {
        "asked": work.job.needs_review,
        "verdict": work.verdict,
        # of others only: who labels could tell by it which are check pictures
        "waits": reviews and work.waits_for_review,
        "may_begin": reviews and mode != "review" and work.waits_for_review,
        "reviewer": str(work.reviewer) if work.is_reviewed_now else "",
        "me": user.pk,
        "remarks": [remark.as_json() for remark in remarks],
        "history": [row.as_json() for row in rows[:50]],
        "people": _others(work) if mode == "review" else [],
        "urls": _review_urls(work) if reviews else {},
    }


def _review_urls(work: Work) -> dict[str, str]:
    verbs = ("begin", "accept", "send-back", "reassign")
    return {verb: reverse(f"labelling-review-{verb}", args=[work.pk]) for verb in verbs}


def _others(work: Work) -> list[dict[str, Any]]:
    """Whom it can be given to: those of the workspace who may label, but its own person."""
    members = work.job.workspace.memberships.exclude(user=work.user_id).select_related("user")
    may = [one.user for one in members.order_by("user__email") if one.can(Action.LABEL)]
    return [{"id": user.pk, "name": str(user)} for user in may]


def _back(job: LabelingJob) -> str:
    """Where one comes from, and goes to when nothing is left to do."""
    if job.opened_from_id is not None:
        return reverse("sample", args=[job.opened_from_id])
    return reverse("labelling-job", args=[job.pk])


def _job_json(job: LabelingJob) -> dict[str, Any]:
    return {
        "id": job.pk,
        "title": job.title,
        "is_one_picture": job.opened_from_id is not None,
        "instructions_html": instructions_html(job),
        "examples": [{"url": media_link(sample.file)} for sample in job.examples.all()[:12]],
        "deadline": job.deadline.isoformat() if job.deadline else None,
    }


def _labels_json(job: LabelingJob, document: documents.Document) -> list[dict[str, Any]]:
    """The project's labels, and removed ones that somebody had drawn before."""
    used = {shape["label"] for shape in document["shapes"].values()}
    labels = [
        label
        for label in job.dataset.project.labels.all()
        if label.archived is None or label.pk in used
    ]
    guides = guidelines.of_labels(label.pk for label in labels)
    return [
        {
            "id": label.pk,
            "name": label.name,
            "colour": label.colour,
            "guideline": guides.get(label.pk),
        }
        for label in labels
    ]


def _preload(work: Work) -> list[str]:
    """The first pictures of what comes next, for the browser to fetch ahead."""
    mine = work.job.works().filter(user=work.user_id, item__position__gt=work.item.position)
    following = mine.exclude(status=Work.Status.RETURNED).order_by("item__position")
    pks = following.values_list("pk", flat=True)[:MOST_PRELOADED]
    return [reverse("labelling-frame", args=[pk, 0]) for pk in pks]


def history_json(work: Work, *, before: int | None = None, most: int = 200) -> list[dict[str, Any]]:
    """What was done, newest first."""
    rows = work.operations.select_related("by").order_by("-number")
    if before is not None:
        rows = rows.filter(number__lt=before)
    names = dict(work.job.dataset.project.labels.values_list("pk", "name"))
    return [
        {
            "number": row.number,
            "at": row.at.isoformat(),
            "by": str(row.by or "somebody"),
            "words": documents.in_words(row.change, row.before, names),
        }
        for row in rows[:most]
    ]
