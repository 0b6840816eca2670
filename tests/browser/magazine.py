"""A talk about two things, listened to, and its outline."""

from __future__ import annotations

from tests.browser.indexed import indexed, received, until
from tests.talking import talk

SAID = [
    "The boats left the harbour with a strong wind.",
    "The wind filled the sails of all the boats.",
    "One boat had a torn sail near the harbour.",
    "The sailors turned the boats in the wind.",
    "The sails and the boats went over the water.",
    "The wind dropped and the boats went home to the harbour.",
    "The council will meet on the new taxes today.",
    "The budget of the council needs more taxes.",
    "The schools want a larger budget from the council.",
    "The council talks about taxes and the budget.",
    "The taxes pay for the schools and the council.",
    "The council counts the taxes for the schools again.",
]


def make() -> str:
    from webapp.leases import Status
    from webapp.moments.outlines import Outline

    asset = received("MAGAZINE.mp4", lambda path: talk(path, SAID))
    indexed(asset, "speech")
    outlines = Outline.objects.filter(asset=asset, status=Status.DONE)
    until(outlines.exists, "there is an outline")
    return f"/assets/{asset.pk}"
