from rest_framework.pagination import CursorPagination


class Cursor(CursorPagination):
    ordering: str | tuple[str, ...] = "-pk"
    page_size_query_param = "page_size"
    max_page_size = 500
