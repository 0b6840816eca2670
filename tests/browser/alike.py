"""Two films put straight into a site, of which what is seen is encoded and compared.

`make` says their ids, and where pictures lie to ask by.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from tests.browser.indexed import received, until


def make() -> dict[str, Any]:
    import cv2

    from tests.encoded import picture, shots_film
    from webapp.indexing.indexing import Indexing
    from webapp.leases import Status
    from webapp.spaces.indexes import SpaceIndex
    from webapp.spaces.space import Space

    films = [
        received(f"SHOTS{n}.mp4", lambda path, n=n: shots_film(path, 4, 4, 4, of=n)) for n in (1, 2)
    ]
    for film in films:
        one = Indexing.objects.request(film, Indexing.Step.PICTURES, by=film.created_by)
        until(lambda one=one: _over(one), f"{film} is encoded")
    workspace = films[0].workspace
    from tests.encoded import space_of

    space = space_of(workspace)
    for index in SpaceIndex.objects.filter(space=space):
        until(lambda pk=index.pk: SpaceIndex.objects.get(pk=pk).status == Status.DONE, "indexed")
    until(lambda: Space.objects.serving(workspace) is not None, "the space serves")
    folder = Path(tempfile.mkdtemp())
    for number in (101, 202):
        cv2.imwrite(str(folder / f"{number}.png"), picture(number))
    return {"films": [film.pk for film in films], "folder": str(folder), "space": space.pk}


def _over(one: Any) -> bool:
    from webapp.indexing.indexing import Indexing

    now = Indexing.objects.get(pk=one.pk)
    assert now.status != "failed", now.error
    return now.status == "done"
