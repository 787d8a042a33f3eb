"""The worker: runs what is due and delivers the outbox. Started by `huey_consumer worker.huey`; only one consumer runs the
periodic tasks (others get `-n`)."""

import config
import logs
import tasks
from database import connect_to

settings = config.load()
huey = tasks.make_huey(settings)
tasks.with_tasks(huey, settings)


@huey.on_startup()
def start():
    """Each worker process points the models at the database; it connects per task."""
    logs.set_up()
    connect_to(settings.database_url)
    tasks.ring_for_mails(settings)
