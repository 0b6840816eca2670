"""What was uploaded is indexed as soon as it is ready, where its workspace wants that."""

from __future__ import annotations

import contextlib

from django.conf import settings

from webapp.assets.models import Asset
from webapp.indexing.indexing import Indexing
from webapp.indexing.refusals import IndexingRefused, why_not
from webapp.runs.wanted import wanted


def index_uploaded(asset: Asset) -> None:
    """Ask for the steps that can be done, once: in the transaction in which it became ready, so
    that no crash comes between. Nobody waits for them, so what people ask for goes first.

    Pictures of what is about to be analysed are encoded while that decodes them.
    """
    if not (settings.INDEX_UPLOADS and asset.workspace.indexes_uploads):
        return
    is_analysed = wanted().filter(asset=asset).exists()
    for step in Indexing.Step.values:
        if step == Indexing.Step.PICTURES and is_analysed:
            continue
        was_indexed = Indexing.everything.filter(asset=asset, step=step).exists()
        if not was_indexed and not why_not(asset, step):
            # nobody waits for an answer: who opens the asset is told what cannot be read here
            with contextlib.suppress(IndexingRefused):
                Indexing.objects.request(asset, step, by=asset.created_by)


def steps_for(asset: Asset) -> list[str]:
    """The steps that somebody means who wants an asset indexed: those that can be done and were
    not; where all were, all that can be done again; where none can, what there is to be said."""
    can = [step for step in Indexing.Step.values if not why_not(asset, step)]
    rows = Indexing.objects.filter(asset=asset).exclude(status="failed")
    done = set(rows.values_list("step", flat=True))
    return [step for step in can if step not in done] or can or [_most_likely(asset)]


def _most_likely(asset: Asset) -> str:
    is_picture = asset.kind == Asset.Kind.IMAGE
    return Indexing.Step.TEXT if is_picture else Indexing.Step.SPEECH
