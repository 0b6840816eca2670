"""Numbers that come from outside."""

from typing import Any

from django.core.exceptions import ValidationError
from django.forms import ModelMultipleChoiceField
from django.urls import register_converter
from django.urls.converters import IntConverter


def is_id(text: str) -> bool:
    """Whether a word from outside can be the number of a row, in any database."""
    return text.isascii() and text.isdigit() and len(text) < 19


class NumberConverter(IntConverter):
    """`<number:pk>` in an address: an address with a longer number is none."""

    regex = "[0-9]{1,18}"


register_converter(NumberConverter, "number")


class SomeOf(ModelMultipleChoiceField):
    """Rows chosen in a form; a word that can be no row's number is refused, not looked for."""

    def clean(self, value: Any) -> Any:
        for word in value or ():
            if not is_id(str(word)):
                raise ValidationError(
                    self.error_messages["invalid_pk_value"],
                    code="invalid_pk_value",
                    params={"pk": str(word)[:20]},
                )
        return super().clean(value)
