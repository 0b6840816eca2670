from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0005_speakers'),
    ]

    operations = [
        migrations.AddField(
            model_name='workspace',
            name='text_language',
            field=models.CharField(blank=True, max_length=16),
        ),
    ]
