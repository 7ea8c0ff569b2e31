"""Django over a gateway: migrations of its own applications, a model, the ORM, inspectdb.

`python drive_django.py HOST PORT SLOPE` prints the same over PostgreSQL, where SLOPE, a derivative,
is written out.
"""

import io
import sys

import django
from django.conf import settings

HOST, PORT, SLOPE = sys.argv[1:]
settings.configure(
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql", "HOST": HOST, "PORT": PORT,
            "USER": "postgres", "NAME": "postgres",
        }
    },
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
)  # fmt: skip
django.setup()

from django.contrib.auth.models import Group, Permission, User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, models, transaction  # noqa: E402
from django.db.models import Avg, Count, F  # noqa: E402
from django.db.models.expressions import RawSQL  # noqa: E402


class Station(models.Model):
    name = models.CharField(max_length=40, unique=True)
    speed = models.FloatField()
    opened = models.DateField(null=True)
    notes = models.JSONField(default=dict)
    next = models.ForeignKey("self", null=True, on_delete=models.SET_NULL)

    class Meta:
        app_label = "stations"
        indexes = (models.Index(fields=["speed"], name="speeds"),)
        constraints = (models.CheckConstraint(condition=models.Q(speed__gte=0), name="not_less"),)


call_command("migrate", verbosity=0)
print("permissions", Permission.objects.count())
with connection.schema_editor() as editor:
    editor.create_model(Station)
first = Station.objects.create(name="a", speed=2.0, opened="2020-02-03", notes={"k": [1]})
Station.objects.bulk_create([Station(name=n, speed=s) for n, s in (("b", 3.0), ("c", 5.0))])
Station.objects.filter(speed__gt=2).update(next=first, speed=F("speed") * 2)
try:
    with transaction.atomic():
        Station.objects.create(name="a", speed=1.0)
except django.db.IntegrityError as error:
    print("refused", str(error).splitlines()[0])
slope = RawSQL(SLOPE, (), output_field=models.FloatField())
steep = Station.objects.annotate(slope=slope).filter(slope__gt=1).order_by("name")
print([(each.name, round(each.slope, 9)) for each in steep])
print(Station.objects.aggregate(Avg("speed"), Count("next")))
print(Station.objects.get(name="a").notes, Station.objects.filter(next__name="a").count())
print(Station.objects.filter(opened__year=2020).dates("opened", "month").first())
user, made = User.objects.get_or_create(username="u", defaults={"email": "u@example.com"})
user.groups.add(Group.objects.create(name="g"))
print(made, list(User.objects.filter(groups__name="g").values_list("username", flat=True)))
with connection.schema_editor() as editor:
    field = models.IntegerField(default=7)
    field.set_attributes_from_name("rank")
    editor.add_field(Station, field)
with connection.cursor() as cursor:
    names = connection.introspection.get_constraints(cursor, "stations_station")
    print(sorted(names))
out = io.StringIO()
call_command("inspectdb", "stations_station", "auth_user", stdout=out)
print("".join(line for line in out.getvalue().splitlines(keepends=True) if "= models." in line))
