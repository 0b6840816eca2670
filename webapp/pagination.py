from typing import Any

from rest_framework.exceptions import ValidationError
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request

from webapp.ids import is_id


class Cursor(CursorPagination):
    ordering: str | tuple[str, ...] = "-pk"
    page_size_query_param = "page_size"
    max_page_size = 500

    def get_page_size(self, request: Request) -> int | None:
        text = request.query_params.get("page_size")
        if text is None:
            return self.page_size
        if not is_id(text) or not 1 <= int(text) <= self.max_page_size:
            sentence = f"It is a number from 1 to {self.max_page_size}."
            raise ValidationError({"page_size": [sentence]})
        return int(text)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        known = super().get_schema_operation_parameters(view)
        for parameter in known:
            if parameter["name"] == "page_size":
                parameter["schema"] |= {"minimum": 1, "maximum": self.max_page_size}
        return known
