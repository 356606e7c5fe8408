"""When what waits is sent: once it is enough, old enough, or nothing more came for a while. Pure: no clock of its own."""

from dataclasses import dataclass

MAX_BATCH = 32  # what the log takes at once


@dataclass(frozen=True)
class Batching:
    """`count`: so many records are sent at once. `age_s`: a record waits no longer than that for others. `idle_s`: where nothing more came for so long, what is
    there is sent; None: that is not asked. The default sends at once whatever is there."""

    count: int = MAX_BATCH
    age_s: float = 0.0
    idle_s: float | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.count <= MAX_BATCH:
            raise ValueError(f"a batch has 1 to {MAX_BATCH} records")
        if self.age_s < 0 or (self.idle_s is not None and self.idle_s < 0):
            raise ValueError("age_s and idle_s are no negative times")

    def due_at(self, waiting: int, oldest: float, newest: float) -> float:
        """From when on `waiting` records are sent, of which the first came at `oldest` and the last at `newest`, by whatever clock these are."""
        if waiting >= self.count:
            return min(oldest, newest)
        by_age = oldest + self.age_s
        return by_age if self.idle_s is None else min(by_age, newest + self.idle_s)
