"""A film with sound that was looked through, as if a worker had told its speakers apart.

`make` says its address, and when each turn begins.
"""

from __future__ import annotations

from typing import Any

from tests.analysis.clips import constant, write_clip
from tests.browser.indexed import received
from tests.conftest import finished_run

TURNS = [(1.0, 4.0, 1), (5.0, 8.0, 2), (10.0, 14.0, 1)]  # start, end, voice


def make() -> dict[str, Any]:
    from webapp.indexing.indexing import Indexing
    from webapp.indexing.voices import SpeakerTurn, Voice
    from webapp.leases import Status
    from webapp.projects.models import Project

    asset = received("TWO SPEAK.mp4", lambda path: write_clip(path, constant(400), sound_s=16))
    by = asset.created_by
    project = Project.objects.begin(asset.workspace, "Two who speak", by=by, brands=["Tidewater"])
    finished_run(asset, project, [], by=by)
    about = {"step": Indexing.Step.SPEAKERS, "stage": Indexing.Stage.FINISH, "status": Status.DONE}
    told = Indexing.objects.create(asset=asset, duration_s=asset.duration_s, **about)
    voices = {n: Voice.objects.create(indexing=told, number=n) for n in (1, 2)}
    for start_s, end_s, number in TURNS:
        voice = voices[number]
        SpeakerTurn.objects.create(
            indexing=told, voice=voice, reads=voice, start_s=start_s, end_s=end_s
        )
    return {"address": f"/assets/{asset.pk}", "starts": [start_s for start_s, _, _ in TURNS]}
