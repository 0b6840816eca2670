"""A text file that somebody uploads, as its text."""

from __future__ import annotations

from typing import Any

from django import forms

MOST_BYTES = 1 << 20


class TextFileField(forms.FileField):
    """Cleans to the text of a file; "" where none was chosen."""

    def __init__(self) -> None:
        super().__init__(required=False, allow_empty_file=True)

    def clean(self, data: Any, initial: Any = None) -> Any:
        file = super().clean(data, initial)
        if not file:
            return ""
        if file.size > MOST_BYTES:
            raise forms.ValidationError(f"{file.name} is larger than 1 MB.")
        try:
            text = file.read().decode("utf-8-sig")
        except UnicodeDecodeError as e:
            raise forms.ValidationError(f"{file.name} is not a text file.") from e
        if "\0" in text:
            raise forms.ValidationError(f"{file.name} is not a text file.")
        return text
