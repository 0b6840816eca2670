"""Every column that names a stored file is known, so that nothing is left out of a backup."""

from __future__ import annotations

import re

import pytest
from django.apps import apps
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import models

from webapp.assets.models import Asset
from webapp.stored_files import StoredFile, delete_unneeded, named_files, needed

# Names that such columns have had so far, or are likely to have.
_LIKELY = re.compile(
    r"(^|_)(file|path|thumb|sprite|shown|predictions|checkpoint|picture|image|poster|blob|"
    r"weights|cutout|export|archive|document)s?$"
)


def test_every_column_that_seems_to_name_a_file_says_so():
    unknown = [
        f"{model.__name__}.{field.name}"
        for model in apps.get_models()
        if model.__module__.startswith("webapp.")
        for field in model._meta.concrete_fields
        if isinstance(field, models.CharField | models.TextField | models.FileField)
        and _LIKELY.search(field.name)
        and not isinstance(field, StoredFile)
    ]
    assert not unknown, "declare these as webapp.stored_files.StoredFile, or call them otherwise"


@pytest.mark.django_db
def test_a_file_that_another_row_names_is_not_deleted(asset):
    default_storage.save("originals/alone.mp4", ContentFile(b"1"))
    default_storage.save(asset.file, ContentFile(b"2"))
    assert asset.file in set(named_files())
    assert needed([asset.file, "originals/alone.mp4", ""]) == {asset.file}
    delete_unneeded([asset.file, "originals/alone.mp4", ""])
    assert default_storage.exists(asset.file)
    assert not default_storage.exists("originals/alone.mp4")


@pytest.mark.django_db
def test_an_asset_that_waits_to_be_erased_still_needs_its_file(asset, owner):
    asset.remove(by=owner)
    assert not Asset.objects.exists()
    assert needed([asset.file]) == {asset.file}
