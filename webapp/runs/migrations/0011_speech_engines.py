from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('runs', '0010_speakers'),
    ]

    operations = [
        migrations.AddField(
            model_name='worker',
            name='speech_engines',
            field=models.JSONField(blank=True, default=dict),
        ),
    ]
