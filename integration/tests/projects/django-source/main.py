import django
import psycopg2
from django.conf import settings
from django.http import HttpResponse
from django.test import Client
from django.urls import path

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="-")
urlpatterns = [path("", lambda request: HttpResponse("works"))]

django.setup()
assert psycopg2.__libpq_version__ > 0
print(Client().get("/").content.decode())
