"""The same numbering where many processes write at a time: on the database of the services."""

import pytest

from tests.webapp.test_numbering import (  # noqa: F401
    database,
    test_a_model_named_by_many_at_once_is_one,
    test_versions_of_a_dataset_get_numbers_of_their_own,
    test_versions_of_a_model_get_numbers_of_their_own,
    test_what_ended_is_made_findable_once_by_whoever_does_it,
)

pytestmark = [pytest.mark.services, pytest.mark.grown_up]
