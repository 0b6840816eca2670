from django.db import migrations
from django.db.models import Case, F, FloatField, Value, When

# What an item of each kind takes, until enough were timed.
SECONDS = {"mention": 6.0, "words": 8.0}


def weigh(apps, schema_editor):
    took = Case(
        *(When(kind=kind, then=Value(seconds)) for kind, seconds in SECONDS.items()),
        default=Value(4.0),
        output_field=FloatField(),
    )
    apps.get_model("review_queue", "ReviewItem").objects.update(worth=F("stake_s") / took)


class Migration(migrations.Migration):
    dependencies = [("review_queue", "0007_order_by_worth_and_brand")]

    operations = [migrations.RunPython(weigh, migrations.RunPython.noop)]
