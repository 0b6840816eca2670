"""Which frame of its video a picture of a dataset is: what formats of videos know it by."""

from __future__ import annotations

from analysis.media.frame_table import FrameTable
from webapp.assets.models import Asset
from webapp.datasets.dataset import Dataset
from webapp.datasets.samples import Sample
from workers.engine.originals import local_path


def number_frames(dataset: Dataset) -> None:
    """Give frames of the library's videos their numbers, those that have none yet."""
    unknown = dataset.samples.filter(frame=None, asset__kind=Asset.Kind.VIDEO)
    unknown = unknown.exclude(time_s=None)
    for asset in Asset.everything.filter(samples__in=unknown).distinct():
        rendition = asset.rendition("frame_table")
        if rendition is None:
            continue
        table = FrameTable.unpack(local_path(rendition.file).read_bytes())
        samples = list(unknown.filter(asset=asset))
        for sample in samples:
            sample.frame = table.shown_at(sample.time_s or 0.0)
            sample.video = asset.name  # which it stays a frame of when the asset is deleted
        # No version++: what is known of the pictures did not change.
        Sample.objects.bulk_update(samples, ["frame", "video"], batch_size=500)
