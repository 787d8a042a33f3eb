"""The hours of a trajectory as all pages show them: done, planned and free."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """A part of the bar: its hours, a word for them, and its position and width in percent."""

    key: str
    hours: int
    words: str
    x: float
    width: float


@dataclass(frozen=True)
class Hours:
    """Hours of internship, out of `total`: `done` were evaluated as positive, `planned` are coupled and not evaluated yet."""

    done: int
    planned: int
    total: int

    @property
    def free(self) -> int:
        return self.total - self.done - self.planned

    @property
    def words(self) -> str:
        """20 uur gedaan, 10 uur gepland, 20 uur vrij"""
        return ", ".join(f"{part.hours} uur {part.words}" for part in self.parts)

    @property
    def parts(self) -> list[Part]:
        """Done, planned and free, from left to right."""
        parts, left = [], 0
        for key, hours, words in (
            ("done", self.done, "gedaan"),
            ("planned", self.planned, "gepland"),
            ("free", self.free, "vrij"),
        ):
            parts.append(Part(key, hours, words, round(100 * left / self.total, 2), round(100 * hours / self.total, 2)))
            left += hours
        return parts

    @property
    def shown_parts(self) -> list[Part]:
        """Those that the bar draws."""
        return [part for part in self.parts if part.hours]
