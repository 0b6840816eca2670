"""One row of every kind that an address can name, in one workspace."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from analysis.datasets.statistics import statistics
from analysis.exposure.methodologies import METHODOLOGIES
from analysis.types import Box
from tests.trained import dataset_version, evaluation, labelled_set, model_version


def everything(job: Any, clip_job: Any, run: Any, user: Any, annotator: Any) -> dict[str, Any]:
    """By the word of an address that comes before its number. `annotator` works in the jobs."""
    from tests.captions_rows import overlay
    from tests.heard import told_apart
    from tests.night_sky import searched_night
    from tests.spoken import transcribed
    from webapp.accounts.models import Key
    from webapp.asking.asks import Ask
    from webapp.asking.findings import Finding
    from webapp.asking.judgements import Judgement
    from webapp.assets.models import Collection
    from webapp.auditing import rounds
    from webapp.comments.comments import Comment
    from webapp.comments.notices import Notice
    from webapp.contracts.delivered import check
    from webapp.contracts.models import Contract, ContractLink, ContractNotice, IssuedContract
    from webapp.cuts.cut import Cut, CutClip
    from webapp.cuts.links import CutLink
    from webapp.cuts.renderings import Rendering
    from webapp.datasets.logos import LogoFile
    from webapp.datasets.transfers import Transfer
    from webapp.explaining.explanations import Explanation
    from webapp.home.models import Dismissal
    from webapp.improving.loops import Loop
    from webapp.indexing.line_edits import LineEdit
    from webapp.indexing.mention_verdicts import MentionVerdict
    from webapp.indexing.speaker_edits import SpeakerEdit
    from webapp.indexing.word_edits import WordEdit
    from webapp.labelling.chores import Chore
    from webapp.labelling.guidelines import GuidePicture
    from webapp.labelling.predictions import Prediction
    from webapp.labelling.remarks import Remark
    from webapp.labelling.reviews import Review
    from webapp.methodologies.models import OwnMethodology, rules_of
    from webapp.moments.flags import Flag
    from webapp.moments.moments import MomentEdit
    from webapp.moments.outlines import Outline
    from webapp.nights.deciding import decide
    from webapp.nights.teaching import SkyTeaching
    from webapp.novelty.groups import NewBrand
    from webapp.novelty.work import NoveltyWork
    from webapp.registry.exports import ModelExport
    from webapp.registry.hosting import Hosting
    from webapp.registry.versions import RegisteredModel
    from webapp.reports.figures import figures, manifest
    from webapp.reports.models import Report, ShareLink
    from webapp.review_queue.choosing import choose
    from webapp.review_queue.items import ReviewItem
    from webapp.review_queue.rules import ReviewRule
    from webapp.reviewing.corrections import Correction
    from webapp.reviewing.verdicts import Verdict
    from webapp.runs.boxes import Boxes
    from webapp.runs.found import Shot
    from webapp.search.saved import SavedSearch
    from webapp.sky.exposures import SkyExposure
    from webapp.spaces.codes import Code
    from webapp.spaces.making import SpaceMaking
    from webapp.spaces.pair_sets import PairSet
    from webapp.spaces.space import Space
    from webapp.spaces.training import SpaceTraining
    from webapp.timeline.choices import Choices
    from webapp.training.models import TrainingRun

    workspace, project = run.asset.workspace, run.project
    dataset, label = job.dataset, project.labels.first()
    frozen, version = dataset_version(project, "Frozen"), model_version(workspace)
    frozen.counts = statistics(labelled_set())
    frozen.save()
    collection = Collection.objects.create(workspace=workspace, name="Cup")
    numbers = figures(run, Choices.read({}))
    said = {"title": "Cup report", "settings": {}, "manifest": manifest(run, numbers)}
    report = Report.issue(run, numbers=numbers, **said, by=user)
    link, _ = ShareLink.make(report, by=user)
    cut = Cut.objects.create(workspace=workspace, title="Secret cut", made_by=user)
    clip = CutClip.objects.create(
        cut=cut, asset=run.asset, asset_name=run.asset.name, place=1, start_s=1, end_s=2
    )
    upload = workspace.uploads.create(user=user, name="half.mp4", size_bytes=10)
    job.assign(annotator, by=user)
    work = job.claim(annotator)[0]
    Shot.objects.create(run=run, index=0, start_s=0, end_s=60)
    Hosting.start(version, by=None)
    key, _ = Key.make(workspace, user, "CI")
    rules = rules_of(METHODOLOGIES["one-second"])
    indexing = transcribed(run.asset, by=user)
    words = indexing.speech_segments.first()
    voice = told_apart(run.asset, by=user).voices.first()
    spoken = SpeakerEdit.objects.call(voice, "Secret speaker", by=user)
    outline = Outline.objects.get(indexing=indexing)
    about = {"start_s": 2.0, "end_s": 9.0}
    span = {"time_s": 2.0, "end_s": 9.0}
    moment = outline.moments.create(kind="topic", title="Secret topic", **about)
    (audited,) = rounds.start(run, [label.pk], 10, by=user)
    every = {"Conditions": [{"ConditionType": "NothingDetected", "ConditionParameters": {}}]}
    rule = ReviewRule.objects.make(project, "Secret rule", every, by=user)
    ReviewItem.objects.bulk_create(choose(run, [rule]).items[:1])
    why = Explanation.objects.asked(run, Boxes(run).after(-1, 1)[0].id)
    contract = Contract.objects.make(
        workspace,
        by=user,
        name="Secret contract",
        label=label,
        starts=date(2026, 1, 1),
        ends=date(2099, 1, 1),
        promises={"seconds": 10.0},
    )
    ContractNotice.objects.create(contract=contract, user=user, status="behind")
    issued = IssuedContract.issue(contract, check(contract), title="Secret paper", by=user)
    loop = Loop.make(version.model, frozen.dataset, by=user)
    round_ = loop.rounds.create(number=1, reason="hand", settings={}, candidate=version)
    brand = NewBrand.objects.create(project=project, look=bytes(512), seconds=3, n_sights=1)
    comment = Comment.objects.say(run.asset, by=user, text="Secret comment", start_s=12.0)
    space = Space.objects.create(
        workspace=workspace, number=1, kind="taught", state="kept", version="v", file="spaces/x"
    )
    night = searched_night(workspace, by=user, name="Secret night")
    decide(night.candidates.get(number=1), "accepted", by=user)
    teaching = SkyTeaching.objects.request(workspace, [night], by=user)
    SkyTeaching.objects.filter(pk=teaching.pk).update(notes=["Secret note"])
    called = [{"word": "Secret word", "purity": 0.5, "coverage": 0.5}]
    return {
        "spaces": space,
        "space-codes": Code.objects.create(space=space, number=0, fires_on=3, words=called),
        "space-makings": SpaceMaking.objects.create(workspace=workspace),
        "space-trainings": SpaceTraining.objects.create(workspace=workspace, notes=["Secret pair"]),
        "pair-sets": PairSet.objects.create(workspace=workspace, name="Secret pairs", file="x"),
        "nights": night,
        "teachings": teaching,
        "sky-teachings": teaching,
        "candidates": 1,
        "night-candidates": night.candidates.get(number=1),
        "workspaces": workspace,
        "members": workspace.memberships.get(user=user),
        "keys": key,
        "uploads": upload,
        "assets": run.asset,
        "sky-exposures": SkyExposure.objects.create(asset=run.asset, object_name="Secret field"),
        "collections": collection,
        "projects": project,
        "labels": label,
        "references": project.labels.get(name="Kestrel").references.get(),
        "datasets": frozen.dataset,
        "versions": 1,
        "samples": dataset.samples.first(),
        "transfers": Transfer.objects.request(dataset, "export", options={}, by=user),
        "logo-files": LogoFile.objects.create(
            dataset=dataset, label=label, name="a.svg", file="x", sha256="1"
        ),
        "dataset-versions": frozen,
        "models": version.model,
        "methodologies": OwnMethodology.make(workspace, "Secret rule", rules, by=user),
        "model-versions": version,
        "model-exports": ModelExport.objects.request(version, "onnx", by=None),
        "training": TrainingRun.objects.request(
            frozen, RegisteredModel.named(workspace, "Other"), by=None
        ),
        "evaluations": evaluation(version, frozen),
        "jobs": job,
        "people": annotator,
        "dismissals": Dismissal.objects.create(user=user, key="asset-1"),
        "work": work,
        "chores": Chore.objects.create(job=clip_job, kind=Chore.Kind.values[0]),
        "history": 1,
        "frames": 0,
        "predictions": Prediction.objects.create(
            work=work, shape="a", frame=0, box=[0.1, 0.1, 0.2, 0.2], count=1
        ),
        "remarks": Remark.objects.create(work=work, by=user, text="Secret remark"),
        "reviews": Review.objects.create(work=work, by=user, kind="sent_back", version=0),
        "labelled-works": work,
        "labelling-parts": clip_job.items.first(),
        "pieces": work.item,
        "guide-pictures": GuidePicture.objects.create(
            label=label, file="references/x.png", sha256="x", width=9, height=9, by=user
        ),
        "asks": Ask.objects.by_moment(run.asset, 1.0, by=user),
        "findings": Finding.objects.request(job, label, "", by=user),
        "judgements": Judgement.objects.create(
            workspace=workspace, user=user, words="x", asset=run.asset, is_right=True, **span
        ),
        "runs": run,
        "indexings": indexing,
        "outlines": outline,
        "moments": moment,
        "moment-edits": MomentEdit.objects.make(moment, by=user, title="Secret title"),
        "flags": Flag.objects.make(
            run.asset, by=user, kind="topic", reason="title", text="Secret topic", **about
        ),
        "audit-items": audited.items.first(),
        "review-rules": rule,
        "review-items": run.review_items.first(),
        "loops": loop,
        "rounds": round_,
        "comments": comment,
        "contracts": contract,
        "new-brands": brand,
        "novelty-work": NoveltyWork.objects.ask_gather(project, by=user),
        "contract-reports": issued,
        "contract-links": ContractLink.make(issued, by=user)[0],
        "notices": Notice.objects.create(comment=comment, user=user, kind="mentioned"),
        "corrections": Correction.objects.correct(
            run.asset, label, by=user, start_s=0.5, end_s=1.0
        ),
        "denied-mentions": MentionVerdict.objects.deny(
            run.asset, label, by=user, source="said", span=(12.0, 13.0), text="Secret words"
        ),
        "spottings": indexing.spottings.create(terms=["Kestrel"]),
        "word-edits": WordEdit.objects.make(words, 0, "Castrel", by=user),
        "line-edits": LineEdit.objects.make(
            overlay(run.asset, "Secret line", 40, 41), "Secret text", by=user
        ),
        "speakers": spoken.speaker,
        "voices": voice,
        "speaker-turns": voice.turns.first(),
        "speaker-edits": spoken,
        "boxes": 0,
        "why": why.number,
        "verdicts": Verdict.objects.draw(run, label, 3.0, Box(0.1, 0.1, 0.2, 0.2), by=user),
        "explanations": why,
        "sprites": 0,
        "reports": report,
        "share-links": link,
        "cuts": cut,
        "cut-clips": clip,
        "cut-renderings": Rendering.objects.request(cut, by=user),
        "cut-links": CutLink.make(cut, by=user)[0],
        "saved": SavedSearch.objects.keep(user, workspace, "kestrel", name="Secret search"),
    }


WORDS = {"labelling-jobs": "jobs", "trainings": "training", "saved-searches": "saved"}  # of the API
TEXTS = {
    "do": "cancel",
    "kind": "brands",
    "mark": "0123456789abcdef",
    "place": "0-0-0",
    "person": "analyst",
    "removed": "2026-01-01T00:00:00+00:00",
    "undo": "x",
    "rest": "nowhere/",
    "token": "made-up",
}


def patterns(of: Any = None, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Each address that is routed, as its parts."""
    for pattern in (of or get_resolver()).url_patterns:
        parts = (*before, pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from patterns(pattern, parts)
        elif isinstance(pattern, URLPattern):
            yield parts
