"""The same on the database of the services, where many write at a time."""

import pytest

from tests.webapp.test_erasing_at_once import (  # noqa: F401
    database,
    slow,
    test_a_picture_that_another_dataset_takes_while_the_first_is_erased,
    test_an_upload_into_another_workspace_while_the_first_is_erased,
)

pytestmark = [pytest.mark.services, pytest.mark.grown_up]
