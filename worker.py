"""The worker: runs what is due and delivers the outbox. Started by `huey_consumer worker.huey`; only one consumer runs the
periodic tasks (others get `-n`)."""

import config
import mails
import tasks
from database import checkpoint_keys, connect_to
from mails import links
from operations import logs

settings = config.load()
logs.set_up(settings)
connect_to(settings.database_url)  # once, not per thread: who points the models elsewhere breaks off the tasks that run
links.set_up(settings)
checkpoint_keys.set_up(settings)
mails.set_up(settings)
huey = tasks.make_huey(settings)
tasks.with_tasks(huey, settings)
tasks.ring_the_worker(settings)
