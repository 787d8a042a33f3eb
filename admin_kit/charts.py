"""Bar charts as SVG: percentages horizontally, pixels vertically, so that text keeps its size (`.chart` in the style sheet)."""

HIGHEST = 121  # pixels, height of the highest bar
FLOOR = 134  # pixels, y of the base line


def bars(counts: list[tuple[str, int]], parts: list[int] | None = None, each: int = 1) -> list[dict]:
    """What the macro `chart` draws for each (name, count); `parts`: how much of each count has another colour, at the bottom;
    `each`: the interval of the labels, counted back from the last bar."""
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
