"""A dataset's picture opened in the labelling desk from its own page.

Behind it is a job of this one picture, which no list shows: so its changes are saved as they are
made, kept as its history, and undone as in any job. What is done is in the dataset at once.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from analysis.labelling.consensus import Said
from webapp.accounts.models import Refused, User
from webapp.datasets.samples import Sample
from webapp.labelling import documents
from webapp.labelling.documents import Document
from webapp.labelling.items import Item
from webapp.labelling.jobs import CLAIM_LASTS, LabelingJob
from webapp.labelling.working import Taken
from webapp.labelling.works import Work
from webapp.templatetags.show import named

_LOOKS = timedelta(minutes=10)  # the desk tells each minute that somebody works in it


@transaction.atomic
def edit(sample: Sample, *, by: User) -> Work:
    """This person's work on the picture, as the dataset has it now or as they left it.

    Raises Refused where somebody else is at it.
    """
    sample = Sample.objects.select_for_update().get(pk=sample.pk)
    if sample.removed:
        raise Refused("This picture was removed from its dataset. Bring it back first.")
    if (theirs := _in_a_job(sample, by)) is not None:
        return theirs
    item = _item(sample, by)
    job = item.job
    _take_over(job, by)
    work, _ = Work.objects.get_or_create(item=item, user=by)
    is_left_open = job.is_open and work.status == Work.Status.CLAIMED and work.version > 0
    if not job.is_open:
        job.reopen(by=by)
    now = timezone.now()
    Work.objects.filter(pk=work.pk).update(
        status=Work.Status.CLAIMED, reason="", finished=None, claimed=now, touched=now
    )
    if not is_left_open:
        wanted = documents.of_sample(sample)
        wanted["nothing"] = wanted["nothing"] and sample.state == Sample.State.LABELLED
        _begin_with(work, wanted)
    return work


def _in_a_job(sample: Sample, by: User) -> Work | None:
    """Their open work on it in a job that was made for people; what they draw there counts."""
    open_ = Item.objects.filter(
        sample=sample, job__status=LabelingJob.Status.OPEN, job__opened_from=None
    )
    item = open_.select_related("job").first()
    if item is None:
        return None
    mine = Work.objects.filter(item__in=open_, user=by, status=Work.Status.CLAIMED).first()
    if mine is None:
        raise Refused(
            f"It is to be labelled in “{item.job}”, which would overwrite it. Label it there, or "
            "close that job first."
        )
    return mine


def _item(sample: Sample, by: User) -> Item:
    job, is_new = LabelingJob.objects.get_or_create(
        opened_from=sample,
        defaults={
            "dataset": sample.dataset,
            "title": named(sample.source)[:120],
            "batch_size": 1,
            "created_by": by,
        },
    )
    if is_new:
        Item.objects.create(job=job, position=0, sample=sample, n_open=0)
    job.assignments.get_or_create(user=by)
    return job.items.select_related("job").get()


def _take_over(job: LabelingJob, by: User) -> None:
    """What others drew in it before is in the dataset, or was left for hours."""
    others = job.works().exclude(user=by)
    at_it = [work for work in others.filter(status=Work.Status.CLAIMED) if _is_at_it(work)]
    if at_it and job.is_open:
        raise Refused(f"{at_it[0].user} is editing it just now.")
    others.update(status=Work.Status.RETURNED)


def _is_at_it(work: Work) -> bool:
    """What was drawn is its person's for hours; who looked and went away is not waited for."""
    has_drawn = work.operations.filter(by=work.user_id, at__gte=work.claimed).exists()
    return work.touched > timezone.now() - (CLAIM_LASTS if has_drawn else _LOOKS)


def _begin_with(work: Work, wanted: Document) -> None:
    """Let the work show what the dataset says, by changes of its own."""
    document = documents.complete(work.document)
    if _content(document) == _content(wanted) and document["nothing"] == wanted["nothing"]:
        return
    taken = Taken(document, work.version)
    work.follow(documents.leading_to(wanted, document), taken)
    work._write(taken, by=None, seconds=0.0)


def _content(document: Document) -> Counter[Any]:
    """What is said, whatever the ids of its shapes."""
    return Counter(_rounded(said) for said in documents.said(document)[0])


def _rounded(said: Said) -> tuple[Any, ...]:
    return said.label, tuple(round(side, 6) for side in said.box), said.is_occluded
