from django.db import models


class Upload(models.Model):
    file = models.FileField(upload_to="uploads/")
    name = models.CharField(max_length=255)
    size = models.BigIntegerField()
    content_type = models.CharField(max_length=255, blank=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)
