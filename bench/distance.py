"""`python -m bench.distance`: the cost of a more distant database, such as a distributed one.

A proxy in front of PostgreSQL delays every response by the milliseconds of a round trip: to another rack (0.5), between data
centres of one region (2) or between regions (10). It says nothing about conflicts inside such a database."""

import asyncio
import statistics
import threading
import time

import psycopg

import config
import migrations
from database import RuleError, connect_to, database
from models import Site, Trajectory, User
from tests import factories as make
from tests.machines import environment, free_port
from workflow.stages import placements

SERVER = "postgresql://postgres@127.0.0.1:5432"
NAME = "kavo_distance"
DELAYS = (0, 0.5, 2, 5, 10)  # milliseconds
TIMES, WRITERS, SECONDS = 30, 8, 10


class Distance:
    """A proxy to PostgreSQL that delays its responses; `delay` in milliseconds."""

    def __init__(self):
        self.port, self.delay, self.answers = free_port(), 0.0, 0
        threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True).start()
        time.sleep(0.5)

    async def _serve(self):
        server = await asyncio.start_server(self._join, "127.0.0.1", self.port)
        async with server:
            await server.serve_forever()

    async def _join(self, reader, writer):
        there, back = await asyncio.open_connection("127.0.0.1", 5432)
        await asyncio.gather(self._pass(reader, back, False), self._pass(there, writer, True))

    async def _pass(self, source, target, late):
        try:
            while data := await source.read(65536):
                if late:
                    self.answers += 1
                    await asyncio.sleep(self.delay / 1000)
                target.write(data)
                await target.drain()
        except OSError:
            pass
        finally:
            target.close()


def main():
    with psycopg.connect(f"{SERVER}/postgres", autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {NAME}")
    proxy = Distance()
    url = f"postgresql://postgres@127.0.0.1:{proxy.port}/{NAME}"
    connect_to(url).connect()
    migrations.migrate()
    by, site = make.user("team", password=make.PASSWORD), make.site()
    for _ in range(50):
        make.placement()
    from app import create_app
    from tests.visitor import Visitor

    app = create_app(config.load(environment(url, "sqlite:////tmp/kavo-distance-queue.db")))
    database.connect(reuse_if_open=True)
    visitor = Visitor(app, by)
    database.connect(reuse_if_open=True)
    print("| ms per answer | couple ms | answers | list ms | answers | acts a second of 8 on one trajectory |")
    print("|---|---|---|---|---|---|", flush=True)
    for proxy.delay in DELAYS:
        couple = measured(proxy, lambda: placements.couple(make.trajectory(), site, 5, by, make.NOW), make.trajectory)
        page = measured(proxy, lambda: visitor.client.get("/gekoppelde-deelnemers/"))
        print(f"| {proxy.delay:g} | {couple} | {page} | {together(by, site):.0f} |", flush=True)


def measured(proxy, act, less=None) -> str:
    """Median milliseconds of an act, and the number of responses it waited for, minus those of another act (`less`)."""
    cost = [0.0, 0.0]
    for function, sign in ((act, 1), (less, -1)):
        if function is not None:
            seconds, answers = [], proxy.answers
            for _ in range(TIMES):
                database.connect(reuse_if_open=True)
                begun = time.perf_counter()
                function()
                seconds.append(time.perf_counter() - begun)
            cost[0] += sign * statistics.median(seconds) * 1000
            cost[1] += sign * (proxy.answers - answers) / TIMES
    return f"{cost[0]:.1f} | {cost[1]:.0f}"


def together(by, site) -> float:
    """The number of times per second that several writers get their turn at the hours of one trajectory."""
    key, done, end = make.trajectory().id, [], time.monotonic() + SECONDS

    def write():
        with database.connection_context():
            while time.monotonic() < end:
                try:
                    trajectory, user = Trajectory.get_by_id(key), User.get_by_id(by.id)
                    placement = placements.couple(trajectory, Site.get_by_id(site.id), 50, user, make.NOW)
                    placements.cancel(placement, user, make.NOW, "Proef.")
                except RuleError:
                    pass
                done.append(1)

    writers = [threading.Thread(target=write) for _ in range(WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    return len(done) / SECONDS


if __name__ == "__main__":
    main()
