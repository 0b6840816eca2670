"""How long the next item of a queue of 100,000 takes while ten people review, and whether two are
ever given the same.

    python -m bench.review [--quick] [--json FILE]

The queue is laid as rules lay it: 100 films, 1,000 frames of each, three boxes in a frame, one of
which is why it is there. Ten reviewers ask over the API, as the page does: eleven items ahead, a
decision, again. Each takes three seconds for an item, as the page aims at; then all go on as
fast as they can. A tenth is skipped, a tenth taken back and decided again. Times are those of the
whole request through every middleware, in one process of ten threads, on SQLite and on PostgreSQL;
the first request of each reviewer, which asks for eleven pictures, is told apart. Labels that were
sent are known for a minute, as on the page.
Then a scripted person reviews frames in a real browser, and labels the same: see `review_hands`.
--quick has 10,000 items and half the time. BENCH_POSTGRES names another server.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.databases import child, postgres
from bench.labelling import CHROMIUM
from bench.report import Report, arguments
from bench.review_hands import measure as measure_hands

FILMS, PER_FILM, QUICK_FILMS = 100, 1000, 10
REVIEWERS, AHEAD = 10, 11
KNOWN_S = 60.0  # how long the page takes the labels of a project for known
PACED_S, PACED_FOR_S, FLAT_OUT_FOR_S = 3.0, 60.0, 15.0
P95_MS = 100.0  # bar
_AT_ONCE = 2000


def main() -> int:
    if sys.argv[1:2] == ["--child"]:
        print(json.dumps(measure(int(sys.argv[2]))))
        return 0
    options = arguments(__doc__ or "")
    films = QUICK_FILMS if options.quick else FILMS
    report = Report("review", peer="labelling page")
    with tempfile.TemporaryDirectory() as name, postgres() as server:
        for title, database in (("SQLite", f"sqlite:///{name}/db"), ("PostgreSQL", server)):
            if database:
                folder = Path(name) / title
                folder.mkdir()
                said = child("bench.review", database, str(folder), str(films))
                _tell(report, title, said)
                report.extra[title] = said
    _tell_hands(report, quick=options.quick)
    return report.finish(options.json)


def _tell_hands(report: Report, *, quick: bool) -> None:
    if not CHROMIUM:
        print("seconds and keys skipped: needs Chromium: apt install chromium", flush=True)
        return
    said = measure_hands(quick=quick)
    ours, peer = said["review"], said["labelling"]
    for what, words in (("presses", "keys and buttons an item"), ("seconds", "seconds an item")):
        ratio = peer[what] / ours[what]
        report.row(f"{words}, beside labelling it", ours[what], peer[what], ratio=ratio)
    report.extra["hands"] = said


def _tell(report: Report, title: str, said: dict[str, Any]) -> None:
    paced, flat = said["paced"], said["flat_out"]
    about = f"of {said['n']:,} items, {REVIEWERS} people, {title}"
    p95 = paced["next_p95_ms"]
    bar = f"<= {P95_MS:g} ms"
    report.row(f"next item {about}: 95th percentile, ms", p95, bar=bar, holds=p95 <= P95_MS)
    report.row(f"  the same, median, ms ({title})", paced["next_median_ms"])
    report.row(f"  the decision, 95th percentile, ms ({title})", paced["decide_p95_ms"])
    report.row(f"  the first eleven, longest, ms ({title})", paced["first_ms"])
    report.row(f"  as fast as they can: decisions a second ({title})", flat["per_second"])
    report.row(f"  and then the next item, 95th percentile, ms ({title})", flat["next_p95_ms"])
    twice = said["twice"]
    report.row(f"items decided by two people ({title})", twice, bar="0", holds=twice == 0)
    failed = said["failed"]
    report.row(f"requests refused ({title})", failed, bar="0", holds=failed == 0)


# --- in a process of its own ------------------------------------------------------------------


def measure(films: int) -> dict[str, Any]:
    """Lay the queue, and let ten people at it."""
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    people = lay(films)
    _know_the_tables()
    sitting = Sitting(people)
    paced = sitting.go(PACED_FOR_S / (2 if films == QUICK_FILMS else 1), pause_s=PACED_S)
    flat_out = sitting.go(FLAT_OUT_FOR_S, pause_s=0.0)
    return {
        "n": films * PER_FILM,
        "paced": paced,
        "flat_out": flat_out,
        "twice": decided_twice(),
        "failed": len(sitting.failed),
        "failures": sitting.failed[:5],
    }


def _know_the_tables() -> None:
    """What autovacuum does within a minute after rules laid a queue. Before, PostgreSQL takes a
    hundred thousand rows for five hundred, and reads them all to count a thousand."""
    from django.db import connection

    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")


def lay(films: int) -> list[Any]:
    """A workspace of ten reviewers with so many films, each with its part of the queue."""
    from webapp.accounts.models import Role, User, Workspace
    from webapp.projects.models import Project
    from webapp.review_queue.items import ReviewItem

    owner = User.objects.create(email="owner@example.org")
    workspace = Workspace.objects.create(name="Bench", slug="bench")
    people = []
    for n in range(REVIEWERS):
        person = User.objects.create(email=f"reviewer{n}@example.org")
        workspace.memberships.create(user=person, role=Role.REVIEWER)
        people.append(person)
    project = Project.objects.begin(workspace, "Cup", by=owner, brands=[f"B{n}" for n in range(12)])
    labels = list(project.labels.values_list("pk", flat=True))
    rng = np.random.default_rng(7)
    items: list[ReviewItem] = []
    for film in range(films):
        run = _film(workspace, project, film)
        items += [_item(run, frame, labels, rng) for frame in range(PER_FILM)]
        if len(items) >= _AT_ONCE or film == films - 1:
            ReviewItem.objects.bulk_create(items, batch_size=_AT_ONCE)
            items = []
    return people


def _film(workspace: Any, project: Any, n: int) -> Any:
    from webapp.assets.models import Asset
    from webapp.leases import Status
    from webapp.projects.models import snapshot
    from webapp.runs.run import Run

    asset = Asset.objects.create(
        workspace=workspace,
        name=f"film{n}.mp4",
        sha256=f"{n:064x}",
        size_bytes=1,
        file=f"assets/{n}.mp4",
        status=Status.DONE,
        kind=Asset.Kind.VIDEO,
        duration_s=3600.0,
        width=1920,
        height=1080,
        probe={},
    )
    return Run.objects.create(
        asset=asset,
        project=project,
        options={"mode": "interval", "interval_s": 0.2},
        inputs=snapshot(project),
        software_version="0",
        input_hash="0" * 64,
        status=Run.Status.SUCCEEDED,
        duration_s=3600.0,
    )


def _item(run: Any, frame: int, labels: list[int], rng: np.random.Generator) -> Any:
    from webapp.review_queue.items import ReviewItem
    from webapp.review_queue.predictions import doubt, stake_s

    boxes = []
    for place, confidence in enumerate(rng.uniform(0.2, 0.95, 3).round(4).tolist()):
        x, y = rng.uniform(0, 0.7, 2).round(4).tolist()
        start_s = round(frame * 3.6, 3)
        lasts = {"start_s": start_s, "end_s": start_s + 2, "n_frames": 10, "seconds": 2.0}
        boxes.append(
            {
                "id": f"b{place}",
                "label": int(rng.choice(labels)),
                "box": [x, y, round(x + 0.2, 4), round(y + 0.1, 4)],
                "confidence": confidence,
                "is_weak": confidence < 0.5,
                "is_matched": place == 0,
                "track": lasts | {"end_s": start_s + 2 + place / 10},
            }
        )
    words = f"B1 at {boxes[0]['confidence']:.2f}, below 0.95"
    return ReviewItem(
        workspace_id=run.asset.workspace_id,
        project_id=run.project_id,
        run=run,
        label_id=boxes[0]["label"],
        frame=frame,
        time_s=frame * 3.6,
        boxes=boxes,
        because=[{"rule": "Unsure ones", "words": words, "conditions": []}],
        stake_s=round(stake_s(boxes, 0.2), 4),
        worth=round(stake_s(boxes, 0.2) / 4, 6),
        doubt=doubt(boxes[0]["confidence"]),
    )


class Sitting:
    """Ten people at one queue."""

    def __init__(self, people: list[Any]) -> None:
        from django.test import Client

        self.clients = []
        for person in people:
            client = Client(headers={"host": "localhost"})
            client.force_login(person)
            self.clients.append(client)
        self.learned: list[dict[int, float]] = [{} for _ in people]  # projects, and when
        self.failed: list[str] = []
        self.next_ms: list[float] = []
        self.decide_ms: list[float] = []
        self.first_ms: list[float] = []

    def go(self, seconds: float, *, pause_s: float) -> dict[str, float]:
        """Let all of them review for so long, each with a pause between two items."""
        self.next_ms, self.decide_ms, self.first_ms = [], [], []
        until = time.monotonic() + seconds
        threads = [
            threading.Thread(target=self._review, args=(n, until, pause_s))
            for n in range(len(self.clients))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return {
            "next_p95_ms": _ms(self.next_ms, 95),
            "next_median_ms": _ms(self.next_ms, 50),
            "decide_p95_ms": _ms(self.decide_ms, 95),
            "first_ms": max(self.first_ms, default=0.0),
            "per_second": len(self.decide_ms) / seconds,
        }

    def _review(self, n: int, until: float, pause_s: float) -> None:
        from django.db import connection

        dice = random.Random(n)
        time.sleep(pause_s * n / len(self.clients))
        items = self._next(n, self.first_ms)
        while time.monotonic() < until and items:
            item = items.pop(0)
            began = time.monotonic()
            self._decide(n, item, dice)
            known = {one["id"] for one in items}
            new = self._next(n, self.next_ms, list(known))
            items += [one for one in new if one["id"] not in known]
            time.sleep(max(pause_s - (time.monotonic() - began), 0.0) * dice.uniform(0.9, 1.1))
        self._ask(n, "/api/v1/review-items/hand-back/", {})
        connection.close()

    def _next(self, n: int, times: list[float], have: Sequence[int] = ()) -> list[dict[str, Any]]:
        now = time.monotonic()
        learned = self.learned[n]
        knows = [project for project, at in learned.items() if now - at < KNOWN_S]
        said = {"have": list(have), "knows": knows}
        answer = self._ask(n, f"/api/v1/review-items/next/?n={AHEAD}", said, times)
        learned.update(dict.fromkeys(map(int, answer.get("projects", {})), now))
        return answer.get("items", [])

    def _decide(self, n: int, item: dict[str, Any], dice: random.Random) -> None:
        address = f"/api/v1/review-items/{item['id']}"
        if dice.random() < 0.1:
            self._ask(n, f"{address}/skip/", {})
            return
        boxes = [
            {"prediction": box["id"], "label": box["label"], "box": box["box"]}
            for box in item["boxes"]
            if dice.random() < 0.8
        ]
        said = {"boxes": boxes, "scope": "track", "seconds": 1.0}
        self._ask(n, f"{address}/decide/", said, self.decide_ms)
        if dice.random() < 0.1:
            self._ask(n, f"{address}/undo/", {})
            self._ask(n, f"{address}/decide/", said | {"unsure": True})

    def _ask(
        self, n: int, address: str, body: dict[str, Any], times: list[float] | None = None
    ) -> dict[str, Any]:
        began = time.perf_counter()
        answer = self.clients[n].post(address, json.dumps(body), "application/json")
        if times is not None:
            times.append((time.perf_counter() - began) * 1000)
        if answer.status_code >= 400:
            self.failed.append(f"{address}: {answer.status_code} {answer.content[:200]!r}")
            return {}
        found: dict[str, Any] = answer.json()
        return found


def decided_twice() -> int:
    """Items that two people decided for."""
    from webapp.review_queue.decisions import Decision

    standing = Decision.objects.standing().values_list("item", flat=True)
    return sum(n > 1 for n in Counter(standing).values())


def _ms(times: list[float], percentile: float) -> float:
    return float(np.percentile(times, percentile)) if times else float("nan")


if __name__ == "__main__":
    raise SystemExit(main())
