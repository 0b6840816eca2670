"""Two films put straight into a site, of which what is seen is encoded and compared, and one of
them analysed.

`make` says their ids, where pictures lie to ask by, and the id of the space.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from tests.browser.indexed import indexed, received, until


def make() -> dict[str, Any]:
    import cv2

    from tests.encoded import picture, shots_film, space_of
    from webapp.leases import Status
    from webapp.projects.models import Project
    from webapp.spaces.codes import Code
    from webapp.spaces.indexes import SpaceIndex
    from webapp.spaces.space import Space

    films = [
        received(f"SHOTS{n}.mp4", lambda path, n=n: shots_film(path, 4, 4, 4, of=n)) for n in (1, 2)
    ]
    for film in films:
        indexed(film, "pictures")
    workspace = films[0].workspace
    Project.objects.begin(workspace, "Alike", by=films[0].created_by, brands=["Kestrel"])
    space = space_of(workspace)
    for index in SpaceIndex.objects.filter(space=space):
        until(lambda pk=index.pk: SpaceIndex.objects.get(pk=pk).status == Status.DONE, "placed")
    until(lambda: Space.objects.serving(workspace) is not None, "the space serves")
    if not space.codes.exists():
        Code.objects.bulk_create(Code(space=space, number=number) for number in range(32))
    folder = Path(tempfile.mkdtemp())
    for number in (101, 202):
        cv2.imwrite(str(folder / f"{number}.png"), picture(number))
    return {"films": [film.pk for film in films], "folder": str(folder), "space": space.pk}
