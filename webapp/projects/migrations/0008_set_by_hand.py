from typing import Any

from django.db import migrations, models


def keep_what_was_chosen(apps: Any, editor: Any) -> None:
    """Nothing tells who chose a threshold so far: whatever is not the usual one is kept as chosen."""
    labels = apps.get_model("projects", "Label").objects.exclude(threshold=0.5)
    labels.update(threshold_by_hand=True)


class Migration(migrations.Migration):
    dependencies = [("projects", "0007_review_of_labelled_work")]

    operations = [
        migrations.AddField(
            model_name="label",
            name="threshold_by_hand",
            field=models.BooleanField(default=False),
        ),
        migrations.RunPython(keep_what_was_chosen, migrations.RunPython.noop),
    ]
