from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

# Pages load nothing from other hosts. blob: and data: are pictures the page itself draws.
POLICY = (
    "default-src 'self'; img-src 'self' data: blob: {media}; media-src 'self' blob: {media}; "
    "style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'self'; form-action 'self'; "
    "frame-ancestors 'none'"
)


class ContentSecurity:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        from webapp.assets.links import media_origin

        response = self.get_response(request)
        response.headers.setdefault(
            "Content-Security-Policy", POLICY.format(media=media_origin()).replace(" ;", ";")
        )
        # questions to the search may be spoken
        response.headers.setdefault(
            "Permissions-Policy", "camera=(), microphone=(self), geolocation=()"
        )
        return response
