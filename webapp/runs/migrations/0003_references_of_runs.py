import django.db.models.deletion
from django.db import migrations, models

SOME = 500


def name_the_files(apps, schema_editor):
    """A row for each logo picture that a run looks with."""
    reference = apps.get_model("runs", "RunReference")
    rows = []
    for pk, inputs in _inputs(apps.get_model("runs", "Run")):
        labels = inputs.get("labels", [])
        files = {picture["file"]: None for label in labels for picture in label["references"]}
        rows += [reference(run_id=pk, file=file) for file in files]
        if len(rows) > SOME:
            reference.objects.bulk_create(rows)
            rows = []
    reference.objects.bulk_create(rows)


def freeze_the_aliases(apps, schema_editor):
    """What may still be analysed goes on with the words its labels have now."""
    runs = apps.get_model("runs", "Run").objects.exclude(status="succeeded")
    words = dict(apps.get_model("projects", "Label").objects.values_list("pk", "aliases"))
    for pk, inputs in list(_inputs(runs)):
        for label in inputs.get("labels", []):
            label.setdefault("aliases", words.get(label["id"], []))
        runs.filter(pk=pk).update(inputs=inputs)


def _inputs(runs):
    """Every run's inputs, read some at a time."""
    rows = getattr(runs, "objects", runs).order_by("pk")
    last = 0
    while some := list(rows.filter(pk__gt=last).values_list("pk", "inputs")[:SOME]):
        yield from some
        last = some[-1][0]


class Migration(migrations.Migration):

    dependencies = [
        ('runs', '0002_removed_runs'),
        ('projects', '__first__'),
    ]

    operations = [
        migrations.CreateModel(
            name='RunReference',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('file', models.CharField(db_index=True, max_length=200)),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='references', to='runs.run')),
            ],
            options={
                'ordering': ['pk'],
            },
        ),
        migrations.RunPython(name_the_files, migrations.RunPython.noop, elidable=True),
        migrations.RunPython(freeze_the_aliases, migrations.RunPython.noop, elidable=True),
    ]
