"""The embedded site says where it is, in the terminal and in the links it gives to others."""

import pytest
from django.contrib.staticfiles.finders import get_finder

from webapp.management.commands.serve import address, collect_static_files


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("127.0.0.1", "http://127.0.0.1:8123"),
        ("0.0.0.0", "http://127.0.0.1:8123"),
        ("::", "http://127.0.0.1:8123"),
        ("box.local", "http://box.local:8123"),
    ],
)
def test_the_address_can_be_opened_on_this_machine(host, shown):
    assert address(host, 8123) == shown


def test_static_files_are_collected_again_where_one_is_new_and_only_then(settings, tmp_path):
    source, settings.STATIC_ROOT = tmp_path / "source", tmp_path / "collected"
    source.mkdir()
    settings.STATICFILES_DIRS = [source]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    get_finder.cache_clear()
    (source / "a.css").write_text("a {}")
    collect_static_files()
    (settings.STATIC_ROOT / "a.css").unlink()
    collect_static_files()
    assert not (settings.STATIC_ROOT / "a.css").exists()
    (source / "b.css").write_text("b {}")
    collect_static_files()
    assert (settings.STATIC_ROOT / "a.css").exists()
    assert (settings.STATIC_ROOT / "b.css").exists()
    get_finder.cache_clear()
