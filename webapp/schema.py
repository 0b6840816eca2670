"""What the OpenAPI schema says beyond the routes: how to sign in, and how errors look."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema

_PROBLEM = {
    "type": "object",
    "description": "RFC 9457. `detail` is a sentence fit to show to a person.",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "errors": {"type": "object", "description": "What is wrong with each field sent."},
    },
    "required": ["type", "title", "status", "detail"],
}
_ANSWER = {
    "description": "Not done: 400, 401, 403, 404, 409, 422, 429 or 5xx.",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


class KeyScheme(OpenApiAuthenticationExtension):
    target_class = "webapp.accounts.authentication.KeyAuthentication"
    name = "key"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "description": "An API key, sl_…"}


def with_problems(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Every operation can also answer with a problem."""
    result.setdefault("components", {}).setdefault("schemas", {})["Problem"] = _PROBLEM
    for methods in result["paths"].values():
        for operation in methods.values():
            operation["responses"].setdefault("default", _ANSWER)
    return result
