"""What the admin administers."""

from django.db import models


class Scan(models.Model):
    title = models.CharField(max_length=100)
    file = models.FileField(upload_to="scans")

    class Meta:
        app_label = "project"

    def __str__(self) -> str:
        return self.title
