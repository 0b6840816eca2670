"""A proxy is a piece of work of its own. One that could not be made was told of among what is odd
about the film; now its own row says so, and that it can be tried again."""

from django.db import migrations, models

_SAID = "The film is well enough to be analysed, but browsers cannot play it: "


def tell_by_rows(apps, schema_editor):
    Asset, Rendition = (apps.get_model("assets", name) for name in ("Asset", "Rendition"))
    for asset in Asset.objects.filter(kind="video").only("pk", "probe").iterator(chunk_size=100):
        warnings = asset.probe.get("warnings") or []
        why = [said.removeprefix(_SAID) for said in warnings if said.startswith(_SAID)]
        if not why:
            continue
        failed = {"status": "failed", "error": why[0]}
        Rendition.objects.get_or_create(asset=asset, recipe="proxy", defaults=failed)
        odd = [said for said in warnings if not said.startswith(_SAID)]
        Asset.objects.filter(pk=asset.pk).update(probe=asset.probe | {"warnings": odd})


class Migration(migrations.Migration):
    dependencies = [("assets", "0004_arriving")]

    operations = [
        migrations.AddField(
            model_name="rendition",
            name="is_cancelled",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="rendition",
            name="progress",
            field=models.FloatField(default=0),
        ),
        migrations.RunPython(tell_by_rows, migrations.RunPython.noop),
    ]
