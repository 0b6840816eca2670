"""The guide: docs/people, a page for each kind of person, as pages of the site."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.views.decorators.http import require_safe
from markdown_it import MarkdownIt

from webapp.accounts.models import Role

PEOPLE = ("analyst", "labeller", "reviewer", "astronomer", "integrator", "administrator")
_DOCS = settings.BASE_DIR / "docs"
_PICTURE = re.compile(r'src="pictures/([\w.-]+)"')


@dataclass(frozen=True)
class Page:
    name: str

    @property
    def title(self) -> str:
        return self.name.capitalize()

    @property
    def link(self) -> str:
        return reverse("guide-page", args=[self.name])

    @property
    def heading(self) -> str:
        return self._text().partition("\n")[0].removeprefix("# ")

    def html(self) -> str:
        """What is below the heading, with links to the site's own pages instead of to files."""
        text = self._text().partition("\n")[2]
        html = MarkdownIt("commonmark").enable("table").render(text)
        html = _PICTURE.sub(lambda found: f'src="{static(f"guide/{found[1]}")}"', html)
        html = html.replace('<img src="', '<img loading="lazy" src="')
        html = html.replace('href="../methodology.md"', f'href="{reverse("methodology")}"')
        return re.sub(r'<a href="\.\./\w+\.md">(.*?)</a>', r"\1", html)

    def _text(self) -> str:
        return (_DOCS / "people" / f"{self.name}.md").read_text()


@require_safe
def guide(request: HttpRequest, person: str = "") -> HttpResponse:
    """For whoever asks, like the methodology: nothing of anybody's is in it."""
    person = person or _for_the_role(request)
    if person not in PEOPLE:
        raise Http404
    here = Page(person)
    context = {"pages": [Page(name) for name in PEOPLE], "here": here, "html": here.html()}
    return render(request, "home/guide.html", context)


def _for_the_role(request: HttpRequest) -> str:
    """Who labels or reviews begins with their own page, everybody else with the analyst's."""
    role = getattr(getattr(request, "membership", None), "role", "")
    return role if role in (Role.LABELLER, Role.REVIEWER) else PEOPLE[0]
