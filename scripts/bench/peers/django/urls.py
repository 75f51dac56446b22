from django.conf import settings
from django.urls import path
from uploads import views

health = path("health/", views.health)
if settings.ROLE == "backend":
    urlpatterns = [health, path("api/backend-info/", views.backend_info)]
else:
    urlpatterns = [
        health,
        path("", views.index),
        path("download/<int:key>/", views.download),
        path("frontend-info/", views.frontend_info),
    ]
