"""A form, a list, downloads, and who answered: what the whole chain of the tutorial does."""

import os
import socket
import threading

import requests
from django import forms
from django.conf import settings
from django.http import FileResponse, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render

from .models import Upload

LISTED = 50
mine = threading.local()


class UploadForm(forms.Form):
    file = forms.FileField()


def index(request):
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        Upload.objects.create(file=file, name=file.name, size=file.size, content_type=file.content_type or "")
        return redirect("/")
    return render(request, "index.html", {"form": form, "uploads": Upload.objects.order_by("-id")[:LISTED]})


def download(request, key):
    upload = get_object_or_404(Upload, pk=key)
    return FileResponse(upload.file.open("rb"), as_attachment=True, filename=upload.name)


def ask(url):
    """A connection a call, or one that each thread keeps."""
    if not settings.KEEP_CONNECTIONS:
        return requests.get(url, timeout=5)
    if not hasattr(mine, "session"):
        mine.session = requests.Session()
    return mine.session.get(url, timeout=5)


def frontend_info(request):
    answer = ask(f"{settings.BACKEND_URL}/api/backend-info/")
    answer.raise_for_status()
    return JsonResponse({"frontend": here(), "backend": answer.json()})


def backend_info(request):
    return JsonResponse(here())


def here():
    return {"hostname": socket.gethostname(), "process": os.getpid()}


def health(request):
    return HttpResponse("ok")
