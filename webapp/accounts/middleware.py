from collections.abc import Callable

from django.http import HttpResponse

from webapp.accounts.requests import SiteRequest


class CurrentWorkspace:
    """Sets `request.membership`: the person's place in the workspace they are looking at.

    The choice is kept in the session; without one it is their first workspace.
    """

    def __init__(self, get_response: Callable[[SiteRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: SiteRequest) -> HttpResponse:
        request.membership = None
        if request.user.is_authenticated:
            mine = request.user.memberships.select_related("workspace").order_by("pk")
            chosen = request.session.get("workspace")
            request.membership = (
                mine.filter(workspace=chosen).first() if chosen else None
            ) or mine.first()
        return self.get_response(request)
