"""Bars as a drawing: percentages across, pixels upwards, so that text keeps its size (see `.chart` in the style sheet)."""

HIGHEST = 121  # pixels that the highest bar takes
FLOOR = 134  # where bars stand


def bars(counts: list[tuple[str, int]], parts: list[int] | None = None, each: int = 1) -> list[dict]:
    """For each (name, count) what the macro `chart` draws; `parts`: how many of each stand in another colour at the bottom;
    `each`: one bar in so many has its name below it, the last one too."""
    most = max((count for _, count in counts), default=0) or 1
    width = 100 / max(len(counts), 1)
    drawn = []
    for number, (name, count) in enumerate(counts):
        part = parts[number] if parts else 0
        height, low = round(HIGHEST * count / most), round(HIGHEST * part / most)
        drawn.append(
            {
                "name": name,
                "count": count,
                "part": part,
                "x": f"{number * width + width * 0.15:.2f}%",
                "width": f"{width * 0.7:.2f}%",
                "middle": f"{number * width + width / 2:.2f}%",
                "height": height,
                "y": FLOOR - height,
                "low": low,
                "low_y": FLOOR - low,
                "has_part": parts is not None,
                "is_named": (len(counts) - 1 - number) % each == 0,
            }
        )
    return drawn
