"""What the OpenAPI schema says beyond the routes: how to sign in, and how errors look."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema

from webapp.rest import Asking

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


class Schema(AutoSchema):
    """Knows what each route may be asked."""

    def get_override_parameters(self) -> list[Any]:
        known = super().get_override_parameters()
        asks = isinstance(self.view, Asking) and self.view.query()._declared_fields
        return [self.view.query(), *known] if asks else known


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


def with_words_in_texts(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """A text that must not be empty must not be blank either: blanks at its ends are cut off."""

    def visit(part: Any) -> None:
        if isinstance(part, list):
            for item in part:
                visit(item)
        elif isinstance(part, dict):
            if part.get("type") == "string" and part.get("minLength") == 1:
                part.setdefault("pattern", r"\S")
            for item in part.values():
                visit(item)

    visit(result["components"]["schemas"])
    return result
