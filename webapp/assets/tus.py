"""Resumable uploads by the tus protocol, version 1.0.0, with creation and termination.

https://tus.io/protocols/resumable-upload. The same address takes an ordinary multipart form, for
a browser without JavaScript.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.exceptions import APIException, ParseError
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from webapp.accounts.access import workspaces
from webapp.accounts.models import Action, Workspace
from webapp.assets import uploads
from webapp.assets.models import Collection, Upload
from webapp.ids import is_id
from webapp.rest import workspace_for

VERSION = "1.0.0"
_BLOCK_BYTES = 8 * 2**20
_READ_BYTES = 2**18


class WrongVersion(APIException):
    status_code = 412
    default_detail = "Speak tus 1.0.0: send `Tus-Resumable: 1.0.0`."


class WrongBody(APIException):
    status_code = 415
    default_detail = "Send the bytes as application/offset+octet-stream."


class NoLength(APIException):
    status_code = 411
    default_detail = "Say how many bytes are coming with Content-Length."


def _header(name: str, description: str, kind: Any = OpenApiTypes.STR) -> OpenApiParameter:
    return OpenApiParameter(
        name, kind, OpenApiParameter.HEADER, description=description, required=True
    )


_TUS = _header("Tus-Resumable", "1.0.0")


class TusView(APIView):
    """Says in every answer which protocol this is, and takes no other."""

    throttle_classes = ()  # a large file is hundreds of requests
    serializer_class = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        speaks_tus = request.headers.get("Tus-Resumable") == VERSION
        if not (speaks_tus or request.method == "OPTIONS" or self.is_form(request)):
            raise WrongVersion

    def is_form(self, request: Request) -> bool:
        return False

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        response.headers["Tus-Resumable"] = VERSION
        if response.status_code == 412:
            response.headers["Tus-Version"] = VERSION
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    @extend_schema(exclude=True)
    def options(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        return HttpResponse(
            status=204,
            headers={
                "Tus-Version": VERSION,
                "Tus-Extension": "creation,termination",
                "Tus-Max-Size": str(settings.MAX_UPLOAD_BYTES),
            },
        )


class Uploads(TusView):
    def get_permissions(self) -> list[Any]:
        return [] if self.request.method == "OPTIONS" else [IsAuthenticated()]

    def is_form(self, request: Request) -> bool:
        is_multipart = request.content_type.startswith("multipart/form-data")
        return request.method == "POST" and is_multipart and "Tus-Resumable" not in request.headers

    @extend_schema(
        summary="Begin an upload (tus)",
        description="Answers 201 with the address to send the bytes to. `Upload-Metadata` holds "
        "`name` and, if wanted, `collection` (its id), `project` (the id of one that the file is "
        "analysed for as soon as it is ready) or `purpose` (`import`: labelled pictures for a "
        "dataset), each encoded in base64.",
        parameters=[
            _TUS,
            _header("Upload-Length", "Size of the file in bytes.", OpenApiTypes.INT),
            OpenApiParameter("Upload-Metadata", OpenApiTypes.STR, OpenApiParameter.HEADER),
        ],
        request=None,
        responses={201: OpenApiResponse(description="Begun; `Location` says where.")},
    )
    def post(self, request: Request) -> HttpResponse:
        if self.is_form(request):
            return _take_form(request)
        words = _metadata(request.headers.get("Upload-Metadata", ""))
        workspace, project = _place(request, words.get("project", ""))
        upload = uploads.begin(
            workspace,
            request.user,
            name=words.get("name") or words.get("filename") or "",
            size_bytes=_count(request, "Upload-Length"),
            collection=_collection(workspace, words.get("collection", "")),
            project=project,
            purpose=_purpose(words.get("purpose", "")),
        )
        return HttpResponse(status=201, headers={"Location": reverse("upload", args=[upload.pk])})


class OneUpload(TusView):
    def find(self, request: Request, pk: Any) -> Upload:
        allowed = workspaces(request, Action.ANALYSE)
        return get_object_or_404(Upload, pk=pk, user=request.user, workspace__in=allowed)

    @extend_schema(
        summary="How much of an upload has arrived (tus)",
        parameters=[_TUS],
        responses={
            200: OpenApiResponse(
                description="`Upload-Offset` says how many bytes. When all are here, "
                "`Sightline-Asset` says which asset they are or become, and while they do "
                "`Sightline-Arriving` says how far that is, from 0 to 1."
            )
        },
    )
    def head(self, request: Request, pk: Any) -> HttpResponse:
        upload = self.find(request, pk)
        if upload.error:
            return HttpResponse(status=410)
        offset = uploads.held_bytes(upload)
        if offset == upload.size_bytes:  # the answer to the last part may have been lost
            upload = uploads.finish(upload)
        return _where(upload, offset, status=200)

    @extend_schema(
        summary="Send a part of the file (tus)",
        description="The answer to the last part says in `Sightline-Asset` which asset the file "
        "becomes. `Sightline-Duplicate: 1` means that the same bytes were there already. While "
        "`Sightline-Arriving` is said (how far it is, from 0 to 1), a worker still takes the file "
        "in, and it can turn out to be one that was there: ask again with HEAD. What is for an "
        "import has `Sightline-Upload`, its id.",
        parameters=[
            _TUS,
            _header("Upload-Offset", "Where this part begins.", OpenApiTypes.INT),
        ],
        request={"application/offset+octet-stream": OpenApiTypes.BINARY},
        responses={204: OpenApiResponse(description="Kept; `Upload-Offset` says how far.")},
    )
    def patch(self, request: Request, pk: Any) -> HttpResponse:
        upload = self.find(request, pk)
        if request.content_type.split(";")[0] != "application/offset+octet-stream":
            raise WrongBody
        if "chunked" in request.headers.get("Transfer-Encoding", "").lower():
            raise NoLength
        offset = _count(request, "Upload-Offset")
        sent = request.META.get("CONTENT_LENGTH") or "0"
        length = int(sent) if is_id(sent) else 0
        if offset + length > upload.size_bytes:
            raise uploads.TooLarge("More bytes came than the upload was announced with.")
        if (held := uploads.held_bytes(upload)) != offset:
            raise uploads.WrongOffset(held)
        for block in _blocks(request, length):
            offset = uploads.append(upload, offset, block)
        if offset == upload.size_bytes:
            upload = uploads.finish(upload)
        return _where(upload, offset, status=204)

    @extend_schema(summary="Cancel an upload (tus)", parameters=[_TUS], responses={204: None})
    def delete(self, request: Request, pk: Any) -> HttpResponse:
        uploads.discard(self.find(request, pk))
        return HttpResponse(status=204)

    def handle_exception(self, exc: Exception) -> Response:
        response = super().handle_exception(exc)
        if self.request.method == "PATCH":
            # Hear the sender out, or it may see a broken connection instead of the answer.
            _read(self.request, 2 * _BLOCK_BYTES)
        if isinstance(exc, uploads.WrongOffset):
            response.headers["Upload-Offset"] = str(exc.held)
        return response


def _where(upload: Upload, offset: int, *, status: int) -> HttpResponse:
    headers = {"Upload-Offset": str(offset), "Upload-Length": str(upload.size_bytes)}
    if upload.asset is not None:
        headers["Sightline-Asset"] = str(upload.asset_id)
        headers["Sightline-Duplicate"] = str(int(upload.is_duplicate))
        if upload.asset.is_arriving:
            headers["Sightline-Arriving"] = f"{upload.asset.progress:.3f}"
    elif upload.purpose == Upload.Purpose.IMPORT and offset == upload.size_bytes:
        headers["Sightline-Upload"] = str(upload.pk)
    return HttpResponse(status=status, headers=headers)


def _blocks(request: Request, length: int) -> Iterator[bytes]:
    """The body in blocks. When the connection breaks, what came before it did is a block too."""
    left = length
    while left:
        wanted = min(left, _BLOCK_BYTES)
        block = _read(request, wanted)
        if block:
            yield block
        left = left - wanted if len(block) == wanted else 0


def _read(request: Request, n_bytes: int) -> bytes:
    block = bytearray()
    try:
        while len(block) < n_bytes:
            part = request._request.read(min(_READ_BYTES, n_bytes - len(block)))
            if not part:
                break
            block += part
    except OSError:
        pass  # the sender is gone; what came is kept
    return bytes(block)


def _count(request: Request, header: str) -> int:
    text = request.headers.get(header, "")
    if not is_id(text):
        raise ParseError(f"{header} must say how many bytes.")
    return int(text)


def _metadata(header: str) -> dict[str, str]:
    """`Upload-Metadata`: words with a value in base64 behind each, parted by commas."""
    words = {}
    for pair in filter(None, (part.strip() for part in header.split(","))):
        key, _, value = pair.partition(" ")
        try:
            words[key] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise ParseError(f"Upload-Metadata: {key} is not base64 of UTF-8.") from error
    return words


def _purpose(word: str) -> str:
    if word and word not in Upload.Purpose.values:
        raise ParseError(f"purpose is one of {', '.join(Upload.Purpose.values)}.")
    return word or Upload.Purpose.LIBRARY


def _place(request: Request, project: str) -> tuple[Workspace, Any]:
    """Where a file goes, and the project it is to be analysed for: None without one."""
    if not project:
        return workspace_for(request, Action.ANALYSE), None
    if not is_id(project):
        raise ParseError("project must be the id of a project.")
    workspace = get_object_or_404(workspaces(request, Action.ANALYSE), projects=int(project))
    return workspace, workspace.projects.get(pk=int(project))


def _collection(workspace: Workspace, pk: str) -> Collection | None:
    if not pk:
        return None
    if not is_id(pk):
        raise ParseError("collection must be the id of a collection.")
    return get_object_or_404(Collection, pk=int(pk), workspace=workspace)


def _take_form(request: Request) -> HttpResponse:
    """Files of an ordinary form: all the way in, and back to where they are with a word on each."""
    plain = request._request
    workspace, project = _place(request, plain.POST.get("project", ""))
    collection = _collection(workspace, plain.POST.get("collection", ""))
    for file in plain.FILES.getlist("file"):
        try:
            upload = uploads.take(
                workspace, request.user, file, collection=collection, project=project
            )
        except (uploads.UploadRefused, uploads.NoRoom) as error:
            messages.error(plain, str(error.detail))
        else:
            said = "was already in your library" if upload.is_duplicate else "is in your library"
            messages.success(plain, f"{upload.name} {said}.")
    if not plain.FILES:
        messages.error(plain, "Choose a file first.")
    return redirect("project", project.pk) if project else redirect("library")
