"""What a form's field lets a person choose among, when only the view knows."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.db.models import QuerySet


def offer(form: forms.BaseForm, name: str, rows: QuerySet[Any]) -> None:
    """Let the field choose among these rows."""
    _of_rows(form, name).queryset = rows


def offered(form: forms.BaseForm, name: str) -> QuerySet[Any]:
    """The rows that the field chooses among."""
    rows = _of_rows(form, name).queryset
    assert rows is not None
    return rows


def offer_choices(form: forms.BaseForm, name: str, choices: Sequence[Any]) -> None:
    """Let the field choose among these values, each with its words."""
    field = form.fields[name]
    assert isinstance(field, forms.ChoiceField)
    field.choices = choices


def _of_rows(form: forms.BaseForm, name: str) -> forms.ModelChoiceField:
    field = form.fields[name]
    assert isinstance(field, forms.ModelChoiceField)
    return field
