"""Creates the data, starts our server and its peers, sends each the same requests in turn; prints a table, writes CSV and chart.

    python -m bench.run [--size N] [--rounds N] [--no-peer-export] [--only WORD]

The data is created once per size, in bench/data/. Times are measured by a client on the same machine, for whole responses."""

import argparse
import csv
import statistics
import subprocess
import threading
import time
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

import psutil

from bench.couple import couple
from bench.peers import PEERS, PORTS, PROJECT, TIMEOUT, Client, make_data, servers
from bench.questions import questions

DOCS = PROJECT / "docs"
SMALL = 10_000


# ---- lists


def measure(asked, clients, rounds) -> dict[tuple[str, str], list[float]]:
    """(request, peer) → milliseconds. Each round sends every request to every peer once; the first round is discarded."""
    times = {}
    for number in range(rounds + 1):
        for what, paths in asked.items():
            for peer in clients:
                if peer in paths:
                    status, body, spent = clients[peer].ask(paths[peer])
                    if status != 200 or len(body) < 20:
                        raise SystemExit(f"{peer}, {what}: {status} for {paths[peer]}")
                    if number:
                        times.setdefault((what, peer), []).append(spent)
        print(f"round {number} of {rounds}", flush=True)
    return times


# ---- exports


CLI_SELECT = (
    "SELECT p.kavo_id, p.first_name, p.last_name, m.type, s.name, m.hours, m.hours_done, m.state, m.starts_on, m.ends_on"
    " FROM placement m JOIN trajectory t ON t.id = m.trajectory_id JOIN participant p ON p.id = t.participant_id"
    " JOIN site s ON s.id = m.site_id ORDER BY m.finished, m.search, m.id"
)
OUR_EXPORT = "/gekoppelde-deelnemers/export/csv/?" + urlencode(
    [("kolom", name) for name in ("participant", "type", "site", "hours", "state", "starts_on", "ends_on")]
)


def download(client: Client, path: str, process) -> dict:
    """Seconds, seconds to the first byte, megabytes and lines of a download, and the server's memory above idle (megabytes)."""
    watched = psutil.Process(process.pid)
    idle, peak, done = watched.memory_info().rss, 0, threading.Event()

    def watch():
        nonlocal peak
        while not done.wait(0.02):
            peak = max(peak, watched.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    begin = time.perf_counter()
    connection = HTTPConnection("127.0.0.1", client.port, timeout=TIMEOUT)
    connection.request("GET", path, headers=client.headers())
    answer = connection.getresponse()
    answer.read(1)
    first, size, lines = time.perf_counter() - begin, 1, 0
    while piece := answer.read(1 << 20):
        size, lines = size + len(piece), lines + piece.count(b"\n")
    spent = time.perf_counter() - begin
    done.set()
    watcher.join()
    return {
        "seconds": spent,
        "first byte": first,
        "MB": size / 1e6,
        "lines": lines,
        "MB above idle": max(0, peak - idle) / 1e6,
    }


def command_line_export(database: Path) -> float:
    begin = time.perf_counter()
    subprocess.run(
        ["sqlite3", "-readonly", str(database), ".mode csv", CLI_SELECT], check=True, stdout=subprocess.DEVNULL
    )
    return time.perf_counter() - begin


def exports(clients, running, database, peer_too) -> list[tuple]:
    """(peer, measurements) of each export; ours and the command line three times, alternately."""
    found = []
    for _ in range(3):
        found.append(("sqlite3 command line", {"seconds": command_line_export(database)}))
        found.append(("ours, CSV", download(clients["ours"], OUR_EXPORT, running["ours"])))
    found.append(("ours, XLSX", download(clients["ours"], OUR_EXPORT.replace("/csv/", "/xlsx/"), running["ours"])))
    if peer_too:
        found.append(
            (
                "Flask-Admin, CSV",
                download(clients["Flask-Admin"], "/admin/placement/export/csv/", running["Flask-Admin"]),
            )
        )
    return found


# ---- results


def table(asked, times) -> list[dict]:
    rows = []
    for what, paths in asked.items():
        own = times[what, "ours"]
        row = {"what": what, "ours": middle(own), "p95": percentile(own, 95), "min": min(own), "max": max(own)}
        if (what, "ours small") in times:
            row["growth"] = middle(own) / middle(times[what, "ours small"])
        for peer in PEERS:
            if peer in paths:
                theirs = times[what, peer]
                row |= {
                    peer: middle(theirs),
                    f"{peer} p95": percentile(theirs, 95),
                    f"ours / {peer}": middle(own) / middle(theirs),
                }
        rows.append(row)
    return rows


def middle(values) -> float:
    return statistics.median(values)


def percentile(values, part) -> float:
    return sorted(values)[min(len(values) - 1, round(len(values) * part / 100))]


def show(rows):
    heads = [(8, "ours"), (8, "p95"), (8, "min"), (8, "max"), (9, "/ 10.000"), (9, "Django"), (9, "p95"), (7, "ours/")]
    heads += [(9, "FA"), (9, "p95"), (7, "ours/")]
    print(f"\n{'milliseconds':<29}" + "".join(f"{word:>{width}}" for width, word in heads))
    for row in rows:
        line = f"{row['what']:<29}" + "".join(f"{row[key]:>8.1f}" for key in ("ours", "p95", "min", "max"))
        line += _ratio(row.get("growth"), 9)
        for peer in PEERS:
            line += _number(row.get(peer)) + _number(row.get(f"{peer} p95")) + _ratio(row.get(f"ours / {peer}"), 7)
        print(line)


def _number(value):
    return f"{'–':>9}" if value is None else f"{value:>9.1f}"


def _ratio(value, width):
    return f"{'–':>{width}}" if value is None else f"{value:>{width}.2f}"


def write(rows, found):
    DOCS.mkdir(exist_ok=True)
    columns = list(dict.fromkeys(key for row in rows for key in row))
    with (DOCS / "bench.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(
            [
                {key: round(value, 2) if isinstance(value, float) else value for key, value in row.items()}
                for row in rows
            ]
        )
    columns = ["who", *dict.fromkeys(key for _, took in found for key in took)]
    with (DOCS / "bench-others.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows({"who": who} | {key: round(value, 3) for key, value in took.items()} for who, took in found)
    chart(rows)


def chart(rows):
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(9, 8))
    names = ("ours", *PEERS)
    for number, (name, colour) in enumerate(zip(names, ("#1d6b3e", "#44546a", "#b36b00"), strict=True)):
        places = [place + number * 0.27 for place in range(len(rows))]
        axes.barh(places, [row.get(name) or 0 for row in rows], height=0.25, label=name, color=colour)
    axes.set_yticks([place + 0.27 for place in range(len(rows))], [row["what"] for row in rows])
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlim(left=1)
    axes.set_xlabel("milliseconds, median (logarithmic)")
    axes.legend()
    figure.tight_layout()
    figure.savefig(DOCS / "bench.svg", metadata={"Date": None})


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--size", type=int, default=1_000_000)
    options.add_argument("--rounds", type=int, default=15)
    options.add_argument("--only", default="", help="questions that hold this word")
    options.add_argument(
        "--no-peer-export", action="store_true", help="leave out stock Flask-Admin's export (minutes, gigabytes)"
    )
    asked_for = options.parse_args()
    databases = {"ours": make_data(asked_for.size), "ours small": make_data(SMALL)}
    small = questions(databases["ours small"], SMALL)
    asked = {
        what: {**paths, "ours small": small[what]["ours"]}
        for what, paths in questions(databases["ours"], asked_for.size).items()
        if asked_for.only in what
    }
    with servers(databases) as running:
        clients = {name: Client(name) for name in PORTS}
        rows = table(asked, measure(asked, clients, asked_for.rounds))
        show(rows)
        found = [] if asked_for.only else exports(clients, running, databases["ours"], not asked_for.no_peer_export)
    if not asked_for.only:
        found += couple(databases["ours"])
        write(rows, found)
    for who, took in found:
        print(f"{who:<32}" + "  ".join(f"{key} {value:,.3f}" for key, value in took.items()))


if __name__ == "__main__":
    main()
