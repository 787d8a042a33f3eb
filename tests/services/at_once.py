"""Our own processes acting on one database at the same time."""

from database import connect_to, database
from tests.forked import context

PROCESSES = 8
MOST_SECONDS = 900


def at_once(url, task, *arguments) -> list:
    """Run `task(*arguments, seed)`, a function of a module, in PROCESSES processes that start together on the database of this
    URL; returns their results. Fails when one of them raises."""
    database.close()
    together, answers = context.Barrier(PROCESSES), context.SimpleQueue()
    running = [
        context.Process(target=_run, args=(together, answers, url, task, arguments, seed)) for seed in range(PROCESSES)
    ]
    for process in running:
        process.start()
    for process in running:
        process.join(MOST_SECONDS)
    assert [process.exitcode for process in running] == [0] * PROCESSES
    database.connect()
    return [answers.get() for _ in running]


def _run(together, answers, url, task, arguments, seed):
    connect_to(url).connect()
    together.wait()
    answers.put(task(*arguments, seed))
    database.close()
