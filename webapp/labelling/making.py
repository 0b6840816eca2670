"""Making a job out of the form: videos are cut into clips, people are invited and told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.core.files.storage import default_storage
from django.db import transaction

from analysis.media.frame_table import FrameTable
from webapp.accounts.invitations import link_url
from webapp.accounts.models import Refused, Role, User
from webapp.assets.models import Asset
from webapp.labelling.forms import MakeForm
from webapp.labelling.items import Clip
from webapp.labelling.jobs import Assignment, LabelingJob
from webapp.labelling.letters import tell


@dataclass(frozen=True, slots=True)
class Invited:
    """Somebody who was asked in. `url` signs a person in who is new here; "" for others."""

    email: str
    url: str
    was_sent: bool


def frame_times(asset: Asset) -> list[float]:
    """The times of a video's frames in seconds. Raises Refused where nobody has listed them."""
    table = asset.rendition("frame_table")
    if table is None:
        raise Refused(f"The list of frames of {asset} is missing. Press Retry on its page.")
    with default_storage.open(table.file) as file:
        return FrameTable.unpack(file.read()).times_s.tolist()


def clips(
    asset: Asset,
    *,
    seconds: float,
    step: int,
    overlap: int = 0,
    start_s: float | None = None,
    end_s: float | None = None,
) -> Iterator[Clip]:
    """A video cut into clips of about so many seconds, every `step`-th frame of it.

    start_s, end_s: only what lies between. Each clip begins `overlap` frames before the end of the
    one before, so that tracks are joined there. Raises Refused.
    """
    times = frame_times(asset)[::step]
    first, last = start_s or 0.0, end_s if end_s is not None else float("inf")
    times = [time_s for time_s in times if first <= time_s <= last]
    if not times:
        raise Refused(f"{asset} has no frame between these times.")
    yield from (Clip(asset, part) for part in cut(times, seconds, overlap))


def cut(times: list[float], seconds: float, overlap: int) -> list[list[float]]:
    """Stretches of about so many seconds, each sharing `overlap` frames with the one before.

    Raises Refused where a stretch would be no longer than what it shares.
    """
    parts: list[list[float]] = []
    start = 0
    while start < len(times):
        limit = times[start] + seconds
        end = next((i for i in range(start + 1, len(times)) if times[i] >= limit), len(times))
        parts.append(times[start:end])
        if end == len(times):
            break
        if end - overlap <= start:
            raise Refused("The overlap is as long as a part: take fewer frames or longer parts.")
        start = end - overlap
    return parts


@transaction.atomic
def make(form: MakeForm, *, by: User) -> LabelingJob:
    """The job that a valid form describes. Raises Refused."""
    values = form.cleaned_data
    cut = [
        clip
        for asset in values["videos"]
        for clip in clips(
            asset,
            seconds=values["clip_s"] or 20.0,
            step=values["step"] or 1,
            overlap=values["overlap"] or 0,
            start_s=values["start_s"],
            end_s=values["end_s"],
        )
    ]
    model = values["then_train"]
    options = {"epochs": values["epochs"] or 50}
    return LabelingJob.objects.begin(
        values["dataset"],
        values["title"],
        samples=form.samples(),
        clips=cut,
        examples=form.shown(),
        check_share=(values["check_share"] or 0) / 100,
        instructions=values["instructions"],
        people_per_item=values["people_per_item"],
        batch_size=values["batch_size"],
        deadline=values["deadline"],
        is_reviewed=values["is_reviewed"],
        then_train={"model": model.pk, "options": options} if model else None,
        by=by,
    )


def invite(job: LabelingJob, emails: list[str], *, by: User) -> tuple[list[Invited], list[str]]:
    """Everybody who was asked in, and a sentence for each who could not be."""
    invited, refusals = [], []
    for email in emails:
        try:
            assignment, token = job.invite(email, by=by)
        except Refused as refused:
            refusals.append(str(refused))
            continue
        was_sent = tell(assignment, by=by, token=token)
        invited.append(Invited(email, link_url(token), was_sent))
    return invited, refusals


def new_link(assignment: Assignment, *, by: User) -> Invited:
    """Another sign-in link for a labeller who lost theirs. Raises Refused for anybody who may do
    more: it would let an analyst in as them."""
    job, user = assignment.job, assignment.user
    membership = job.workspace.memberships.filter(user=user).first()
    if membership is None or membership.role != Role.LABELLER:
        raise Refused(f"{user} is no labeller: an administrator can make a link for them.")
    token = membership.new_link(by=by)
    return Invited(user.email, link_url(token), tell(assignment, by=by, token=token))
