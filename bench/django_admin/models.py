"""Our tables as Django sees them, with the columns that its admin shows."""

from django.db import models


class Table(models.Model):
    class Meta:
        abstract = True
        managed = False


class User(Table):
    email = models.CharField(max_length=254)

    class Meta(Table.Meta):
        db_table = "user"

    def __str__(self):
        return self.email


class Participant(Table):
    kavo_id = models.CharField(max_length=9)
    first_name = models.CharField(max_length=100)
    last_name = models.CharField(max_length=100)
    birth_date = models.DateField()
    email = models.CharField(max_length=254)

    class Meta(Table.Meta):
        db_table = "participant"

    def __str__(self):
        return f"{self.first_name} {self.last_name}"


class Association(Table):
    name = models.CharField(max_length=200)

    class Meta(Table.Meta):
        db_table = "association"

    def __str__(self):
        return self.name


class Site(Table):
    name = models.CharField(max_length=200)
    municipality = models.CharField(max_length=100)
    postcode = models.CharField(max_length=4)
    state = models.CharField(max_length=20)

    class Meta(Table.Meta):
        db_table = "site"

    def __str__(self):
        return self.name


class Trajectory(Table):
    participant = models.ForeignKey(Participant, models.DO_NOTHING)
    association = models.ForeignKey(Association, models.DO_NOTHING)
    type = models.CharField(max_length=20)
    course_started_on = models.DateField()
    ends_on = models.DateField()
    state = models.CharField(max_length=20)
    hours_used = models.IntegerField()

    class Meta(Table.Meta):
        db_table = "trajectory"

    def __str__(self):
        return str(self.participant)


class Placement(Table):
    STATES = [(state, state) for state in ("open", "evaluated", "cancelled")]

    trajectory = models.ForeignKey(Trajectory, models.DO_NOTHING)
    site = models.ForeignKey(Site, models.DO_NOTHING)
    hours = models.IntegerField()
    hours_done = models.IntegerField(null=True)
    state = models.CharField(max_length=20, choices=STATES)
    result = models.CharField(max_length=20, null=True)
    starts_on = models.DateField(null=True)
    ends_on = models.DateField(null=True)
    coupled_by = models.ForeignKey(User, models.DO_NOTHING)
    created_at = models.DateTimeField()

    class Meta(Table.Meta):
        db_table = "placement"

    def __str__(self):
        return f"{self.trajectory} bij {self.site}"
