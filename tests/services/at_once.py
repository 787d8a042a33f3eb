"""Processes of ours that act at once on one database. They are forked from one that has imported the application, since an
import takes each of them a second."""

from multiprocessing import get_context

from database import connect_to, database

PROCESSES = 8
MOST_SECONDS = 900
_context = get_context("forkserver")
_context.set_forkserver_preload(["app", "tests.factories"])


def at_once(url, task, *arguments) -> list:
    """What `task(*arguments, seed)`, a function of a module, returns in each of PROCESSES processes with the database of this
    URL, which begin together. Fails when one of them raises."""
    database.close()
    together, answers = _context.Barrier(PROCESSES), _context.SimpleQueue()
    running = [
        _context.Process(target=_run, args=(together, answers, url, task, arguments, seed)) for seed in range(PROCESSES)
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
