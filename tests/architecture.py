"""Draws the packages and their imports in docs/architecture.md: `.venv/bin/python -m tests.architecture`.

An arrow is drawn only when no path over other packages implies it."""

import ast
import re
from pathlib import Path

from tests.test_conventions import FLOORS, LEVEL, PROJECT, modules

PAGE = PROJECT / "docs" / "architecture.md"
BLOCK = re.compile(r"```mermaid\n.*?```\n", re.S)
COMMAND = ".venv/bin/python -m tests.architecture"


def imports() -> dict[str, set[str]]:
    """Package → the other packages that it imports, at the top of a file or later."""
    rooms: dict[str, set[str]] = {name: set() for name in LEVEL}
    for room, path in modules():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            rooms[room] |= {name.partition(".")[0] for name in names} & (rooms.keys() - {room})
    return rooms


def reachable(room: str, rooms: dict[str, set[str]]) -> set[str]:
    """The packages that a package imports, directly or through others. Raises RecursionError for a cycle."""
    return rooms[room].union(*(reachable(other, rooms) for other in rooms[room]))


def direct(rooms: dict[str, set[str]]) -> dict[str, set[str]]:
    """The same imports without those that follow from others (the transitive reduction)."""
    return {
        room: others - set().union(*(reachable(other, rooms) for other in others)) for room, others in rooms.items()
    }


def picture() -> str:
    """The Mermaid block: a box per layer from the top down, and the direct imports."""
    lines = ["```mermaid", "flowchart TD"]
    for number, names in reversed(list(enumerate(FLOORS))):
        boxes = " ~~~ ".join(f'{name}["{_label(name)}"]' for name in sorted(names))
        lines += [f'  subgraph floor{number}[" "]', "    direction LR", f"    {boxes}", "  end"]
    for room, others in sorted(direct(imports()).items(), key=lambda item: (-LEVEL[item[0]], item[0])):
        lines += [f"  {room} --> {other}" for other in sorted(others)]
    return "\n".join([*lines, "```"]) + "\n"


def _label(room: str) -> str:
    return f"{room}/" if (Path(PROJECT) / room).is_dir() else f"{room}.py"


def main():
    text = PAGE.read_text("utf-8")
    PAGE.write_text(BLOCK.sub(lambda _: picture(), text, count=1), "utf-8")


if __name__ == "__main__":
    main()
