"""Processes of ours that are forked from one that has imported the application and did nothing else: an import takes each of them
a second."""

import os
import sys
import tempfile
from multiprocessing import get_context

from flask.cli import main

import config

context = get_context("forkserver")
context.set_forkserver_preload(["app", "tests.factories", "tests.forked"])


def command(words, environ) -> tuple[int, str]:
    """The exit code of `flask --app app …` in a process of its own with this environment, and all it said."""
    with tempfile.NamedTemporaryFile() as said:
        process = context.Process(target=_command, args=([str(word) for word in words], environ, said.name))
        process.start()
        process.join()
        return process.exitcode, said.read().decode()


def _command(words, environ, said):
    with open(said, "a") as file:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(file.fileno(), stream.fileno())
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(config.PROJECT)
    sys.argv = ["flask", "--app", "app", *words]
    main()
