"""The screens, with what makes Django's admin fast and useful on tables of this size."""

from django.contrib import admin

from bench.django_admin.models import Participant, Placement, Site, Trajectory, User


class Plain(admin.ModelAdmin):
    list_per_page = 25


@admin.register(Placement)
class PlacementAdmin(Plain):
    list_display = ("participant", "trajectory_type", "site", "hours", "state")
    list_select_related = ("trajectory__participant", "site")
    search_fields = (
        "trajectory__participant__last_name",
        "trajectory__participant__first_name",
        "trajectory__participant__kavo_id",
    )
    list_filter = ("state", "trajectory__type")
    autocomplete_fields = ("trajectory", "site", "coupled_by")

    @admin.display(ordering="trajectory__participant__last_name")
    def participant(self, row):
        return row.trajectory.participant

    @admin.display(ordering="trajectory__type")
    def trajectory_type(self, row):
        return row.trajectory.type


@admin.register(Participant)
class ParticipantAdmin(Plain):
    list_display = ("__str__", "kavo_id", "birth_date", "email")
    search_fields = ("last_name", "first_name", "kavo_id")


@admin.register(Site)
class SiteAdmin(Plain):
    list_display = ("name", "municipality", "state")
    search_fields = ("name", "municipality")
    list_filter = ("state",)


@admin.register(Trajectory)
class TrajectoryAdmin(Plain):
    list_display = ("participant", "type", "association", "state")
    list_select_related = ("participant", "association")
    search_fields = ("participant__last_name", "participant__first_name", "participant__kavo_id")
    autocomplete_fields = ("participant",)


@admin.register(User)
class UserAdmin(Plain):
    search_fields = ("email",)
