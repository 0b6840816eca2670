"""`migrate`, which makes the tables of an empty database at once instead of step by step.

Every step of the past makes Django build all models of that time anew: twenty seconds of work for
tables that are changed again a step later. An empty database has nothing to carry along, so it gets
the tables that the models describe now, and all steps are written down as done. Any other database
goes through the steps; where none is left, no models are built. `tests/webapp/test_migrate.py` sees
to it that both ways end alike.
"""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.management.base import CommandError, no_translations
from django.core.management.commands import migrate
from django.core.management.sql import emit_post_migrate_signal, emit_pre_migrate_signal
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor

_SOME_STEPS_ONLY = ("app_label", "plan", "check_unapplied", "fake", "fake_initial", "prune")


class Command(migrate.Command):
    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        connection = connections[options["database"]]
        is_whole = not any(options.get(name) for name in _SOME_STEPS_ONLY)
        is_empty = is_whole and _is_empty(connection)
        # Whoever asks at a prompt is told of models that no step describes yet.
        is_quiet = is_whole and not options["verbosity"] and not options["run_syncdb"]
        is_done = is_quiet and not is_empty and _has_all_steps(connection)
        if not is_empty and not is_done:
            super().handle(*args, **options)
            return
        if not options["skip_checks"]:
            self.check(databases=[connection.alias])
        if is_done:
            self._tell_apps(connection, options["interactive"])
            return
        self._make_tables(connection, options["verbosity"], options["interactive"])

    def _tell_apps(self, connection: BaseDatabaseWrapper, interactive: bool) -> None:
        """What a migration without a step does, without building all models of its end anew."""
        about = (0, interactive, connection.alias)
        emit_pre_migrate_signal(*about, stdout=self.stdout, apps=apps, plan=[])
        emit_post_migrate_signal(*about, stdout=self.stdout, apps=apps, plan=[])

    def _make_tables(
        self, connection: BaseDatabaseWrapper, verbosity: int, interactive: bool
    ) -> None:
        """All of them and what is written down of them, or nothing, whatever stops this."""
        self.verbosity = 0  # of the tables, one by one
        executor = MigrationExecutor(connection)
        if conflicts := executor.loader.detect_conflicts():
            raise CommandError(f"Two migrations are the last of: {', '.join(sorted(conflicts))}.")
        about = (verbosity, interactive, connection.alias)
        emit_pre_migrate_signal(*about, stdout=self.stdout, apps=apps, plan=[])
        with connection.constraint_checks_disabled(), transaction.atomic(connection.alias):
            self.sync_apps(connection, {config.label for config in apps.get_app_configs()})
            for step in executor.loader.graph.nodes:
                executor.recorder.record_applied(*step)
        emit_post_migrate_signal(*about, stdout=self.stdout, apps=apps, plan=[])
        if verbosity:
            self.stdout.write("The database was empty and has all its tables now.")


def _has_all_steps(connection: BaseDatabaseWrapper) -> bool:
    executor = MigrationExecutor(connection)
    loader = executor.loader
    return not loader.detect_conflicts() and not executor.migration_plan(loader.graph.leaf_nodes())


def _is_empty(connection: BaseDatabaseWrapper) -> bool:
    with connection.cursor() as cursor:
        return not connection.introspection.table_names(cursor)
