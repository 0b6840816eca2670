"""What people say of a mention: that it is none, and now also that it is, or of which brand."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("indexing", "0005_denied_mentions"),
        ("projects", "0006_false_friends"),
    ]

    operations = [
        migrations.RenameModel("DeniedMention", "MentionVerdict"),
        migrations.RenameIndex(
            "mentionverdict", new_name="mentions_judged_by_label", old_name="denied_by_label"
        ),
        migrations.AlterField(
            "mentionverdict",
            "asset",
            models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="mention_verdicts",
                to="assets.asset",
            ),
        ),
        migrations.AlterField(
            "mentionverdict",
            "label",
            models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="mention_verdicts",
                to="projects.label",
            ),
        ),
        migrations.AddField(
            "mentionverdict",
            "actually",
            models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="projects.label",
            ),
        ),
    ]
