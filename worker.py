"""The worker: runs the tasks that are due and delivers the outbox. Started by `huey_consumer worker.huey`; only one consumer runs
the periodic tasks (the others get `-n`)."""

import config
import tasks
from operations.start_up import start_up

settings = config.load()
start_up(settings)
huey = tasks.make_huey(settings)
tasks.with_tasks(huey, settings)
