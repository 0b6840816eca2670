"""The embedded site says where it is, in the terminal and in the links it gives to others."""

import pytest

from webapp.management.commands.serve import address


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
