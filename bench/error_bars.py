"""Do the limits that an audit gives hold the truth 95 times of 100, and how wide are they?

Of the seconds of a brand, and of how often it was on screen.

    python -m bench.error_bars [--quick] [--json FILE]

Films are made up, and their truth is known: shots of about four seconds (or eight in all), a brand
there in some of them, for part of the shot or all of it. A simulated detector errs as real ones do,
in runs: all frames of a shot are shifted together, neighbouring frames once more, and in some shots
something else is taken for the brand. An audit draws its frames by lot, is answered from the truth,
and its limits either hold the true seconds or do not; with 1,000 audits (10 of each of 100 films)
that share is known to ± 1.4 points. --quick has 200, ± 3 points, and wider bars.

peer: as many frames drawn from the whole film by lot, with Jeffreys' interval for a share.
narrowed: 60 answers are looked at, then as many more as should halve the limits, and once more;
whoever looks stops as soon as the limits are within a tenth of the film.
Exposures: runs with gaps up to a second, of a second or more; what is drawn by lot are stretches of
two seconds, and the answer is whether one begins there. Their truth is of the frames that are there
in truth, whatever the detector makes of them. peer: as many stretches drawn from the whole film.
A detector that never errs leaves nothing to chance, so its limits hold the truth always; and where
there are a handful of exposures, or wrong stretches, limits in whole ones hold it more often than
they promise. There the bar is only that they do.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from analysis.auditing import Answers, Estimate, Population, beginnings, shares
from analysis.auditing.estimate import limits_of_share
from analysis.film.columns import DETECTION, FRAME, Columns
from bench.report import Report, arguments

AUDITS, QUICK_AUDITS, OF_A_FILM = 1000, 200, 10
FRAMES_A_SECOND, THRESHOLD, LABEL = 5.0, 0.5, 1
LEAST, MOST, QUICK_SLACK = 0.93, 0.97, 0.02
WIDTH_BAR = 0.6
GAP_S, MINIMUM_S = 1.0, 1.0
LOOKS, ENOUGH = 3, 0.1  # rounds at most; width at which one stops, as a share of the film
PERFECT, USELESS = np.inf, -np.inf

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Case:
    """A kind of film, a detector, and how many answers there are."""

    title: str
    quality: float  # of the detector: the middle of its logits where the brand is there
    answers: int = 180
    minutes: float = 10.0
    shots: int | None = None  # None: of about four seconds each
    share: float = 0.3  # of shots that have the brand
    is_coarse: bool = False  # so little to guess that limits in whole units hold it more often
    is_uneven: bool = False  # frames stand for unequal times, as adaptive sampling leaves them


CASES = (
    Case("F1 about 0.85", 1.2),
    Case("F1 about 0.85, 60 answers", 1.2, answers=60),
    Case("F1 about 0.95", 2.8),
    Case("F1 about 0.7", 0.2),
    Case("useless", USELESS),
    Case("perfect", PERFECT),
    Case("8 shots, F1 about 0.85", 1.2, shots=8),
    Case("8 shots, useless", USELESS, shots=8),
    Case("8 shots, perfect", PERFECT, shots=8),
    Case("1 minute, 60 answers", 1.2, answers=60, minutes=1.0),
    Case("a rare brand", 1.2, share=0.05),
    Case("hardly ever away", 1.2, share=0.9),
    Case("unequal frames", 1.2, is_uneven=True),
)
COUNTED = (
    Case("F1 about 0.85", 1.2, answers=60),
    Case("F1 about 0.95", 2.8, answers=60, is_coarse=True),
    Case("useless", USELESS, answers=60),
    Case("perfect", PERFECT, answers=60),
    Case("8 shots, F1 about 0.85", 1.2, answers=60, shots=8, share=0.5, is_coarse=True),
    Case("8 shots, useless", USELESS, answers=60, shots=8, share=0.5, is_coarse=True),
    Case("8 shots, perfect", PERFECT, answers=60, shots=8, share=0.5),
    Case("an hour, F1 about 0.85", 1.2, minutes=60.0),
    Case("unequal frames", 1.2, answers=60, is_uneven=True),
)


def main() -> int:
    options = arguments(__doc__ or "")
    n = QUICK_AUDITS if options.quick else AUDITS
    slack = QUICK_SLACK if options.quick else 0.0
    report = Report("error_bars", peer="plain")
    for case in CASES:
        _tell(report, case, *audited(case, n), slack)
    for case in COUNTED:
        _tell(report, replace(case, title=f"times, {case.title}"), *counted(case, n), slack)
    for title, coverage in (
        (f"narrowed up to {LOOKS - 1} times", narrowed(n)),
        ("share of voice of 3 brands", share_of_voice(n)),
    ):
        holds = coverage >= LEAST - slack
        report.row(f"{title}: holds the truth", coverage, bar=f">= {LEAST}", holds=holds)
    return report.finish(options.json)


def _tell(
    report: Report, case: Case, f1: float, ours: NDArray, plain: NDArray, slack: float
) -> None:
    """`ours` and `plain`: for each audit whether it holds the truth, and its width."""
    print(f"{case.title}: F1 {f1:.2f}", file=sys.stderr, flush=True)
    coverage, other = ours[:, 0].mean(), plain[:, 0].mean()
    is_open = case.quality == PERFECT or case.is_coarse
    least, most = LEAST - slack, 1.0 if is_open else MOST + slack
    bar = f"{LEAST} to {MOST}" if most < 1 else f">= {LEAST}"
    words = f"{case.title} (F1 {f1:.2f}): holds the truth"
    report.row(words, coverage, other, None, bar, least <= coverage <= most)
    width, plainly = ours[:, 1].mean(), plain[:, 1].mean()
    ratio = width / plainly
    is_barred = case.title == CASES[0].title
    bar_words = f"<= {WIDTH_BAR} x" if is_barred else None
    report.row("  width, share of the film", width, plainly, ratio, bar_words, ratio <= WIDTH_BAR)


def audited(case: Case, n: int) -> tuple[float, NDArray, NDArray]:
    """F1 of the detector by frames, and two arrays of shape (n, 2): holds, width."""
    f1, ours, plain = [], [], []
    for film, rng in _films(case, n):
        population, there = film
        truth_s, whole_s = float(population.seconds[there].sum()), population.analysed_s
        agree = (there & population.says).sum()
        f1.append(2 * agree / max(there.sum() + population.says.sum(), 1))
        for _ in range(OF_A_FILM):
            found = _asked(population, there, case.answers, int(rng.integers(2**31)))
            ours.append((_holds(found.low_s, truth_s, found.high_s), found.width_s / whole_s))
            chosen = rng.permutation(population.n)[: case.answers]
            low, high = limits_of_share(float(there[chosen].mean()), len(chosen))
            plain.append((_holds(low * whole_s, truth_s, high * whole_s), high - low))
    return float(np.mean(f1)), np.array(ours, float), np.array(plain, float)


def counted(case: Case, n: int) -> tuple[float, NDArray, NDArray]:
    """As `audited`, of the number of exposures; F1 is of the stretches in which one begins."""
    f1, ours, plain = [], [], []
    for columns, there, _, rng in _found(case, n):
        population = beginnings(columns, LABEL, THRESHOLD, GAP_S, MINIMUM_S)
        begins = beginnings(_as_it_is(columns, there), LABEL, THRESHOLD, GAP_S, MINIMUM_S).says
        truth = float(begins.sum())
        agree = (begins & population.says).sum()
        f1.append(2 * agree / max(begins.sum() + population.says.sum(), 1))
        for _ in range(OF_A_FILM):
            found = _asked(population, begins, case.answers, int(rng.integers(2**31)))
            held = _holds(found.low_s, truth, found.high_s)
            ours.append((held, found.width_s / population.n))
            chosen = rng.permutation(population.n)[: case.answers]
            low, high = limits_of_share(float(begins[chosen].mean()), len(chosen))
            plain.append((_holds(low * population.n, truth, high * population.n), high - low))
    return float(np.mean(f1)), np.array(ours, float), np.array(plain, float)


def _as_it_is(columns: Columns, there: Flags) -> Columns:
    """What a detector would say that never errs."""
    found = np.flatnonzero(there)
    boxes = np.zeros(len(found), DETECTION)
    boxes["frame"], boxes["label"], boxes["confidence"] = found, LABEL, 0.9
    boxes["x2"] = boxes["y2"] = 0.2
    return Columns(columns.frames, boxes)


def narrowed(n: int) -> float:
    """How often the limits hold the truth of who asks for more until they are narrow enough."""
    held = []
    for (population, there), rng in _films(CASES[0], n):
        truth_s = float(population.seconds[there].sum())
        for _ in range(OF_A_FILM):
            seed, counts = int(rng.integers(2**31)), population.first_round(60)
            for look in range(LOOKS):
                frame = np.array(population.drawn(counts, seed))
                answers = Answers(frame, there[frame])
                found = population.estimate(answers)
                more = population.to_halve(answers)
                if found.width_s <= ENOUGH * population.analysed_s or not more or look == LOOKS - 1:
                    break
                counts = population.next_round(answers, more)
            held.append(_holds(found.low_s, truth_s, found.high_s))
    return float(np.mean(held))


def share_of_voice(n: int) -> float:
    """How often the limits of a brand's share hold it, among three brands with other detectors."""
    held = []
    cases = [replace(CASES[0], quality=quality) for quality in (0.2, 1.2, 2.8)]
    together = zip(*(_films(case, n, seed=1) for case in cases), strict=True)
    for films in together:
        truth = [float(p.seconds[there].sum()) for (p, there), _ in films]
        rng = films[0][1]
        for _ in range(OF_A_FILM):
            found = [_asked(p, there, 60, int(rng.integers(2**31))) for (p, there), _ in films]
            for share, seconds in zip(shares(found), truth, strict=True):
                held.append(_holds(share.low, seconds / max(sum(truth), 1e-9), share.high))
    return float(np.mean(held))


def _asked(population: Population, there: Flags, n: int, seed: int) -> Estimate:
    frame = np.array(population.drawn(population.first_round(n), seed))
    return population.estimate(Answers(frame, there[frame]))


def _holds(low: float, truth: float, high: float) -> bool:
    return low - 1e-9 <= truth <= high + 1e-9


# --- films, and what a detector makes of them -----------------------------------------------------


def _films(
    case: Case, n: int, seed: int = 0
) -> Iterator[tuple[tuple[Population, Flags], np.random.Generator]]:
    for columns, there, cuts, rng in _found(case, n, seed):
        yield (Population.of(columns, LABEL, THRESHOLD, cuts), there), rng


def _found(
    case: Case, n: int, seed: int = 0
) -> Iterator[tuple[Columns, Flags, list[float], np.random.Generator]]:
    for number in range(n // OF_A_FILM):
        rng = np.random.default_rng((seed, number))
        yield *_film(case, rng), rng


def _film(case: Case, rng: np.random.Generator) -> tuple[Columns, Flags, list[float]]:
    """What a detector found, in which frames the brand is, and when each shot begins."""
    n = int(case.minutes * 60 * FRAMES_A_SECOND)
    shot = _shots(case, n, rng)
    there = _presence(case, shot, rng)
    score = _scores(case, shot, there, rng)
    step_s = 1 / FRAMES_A_SECOND
    length_s = np.full(n, step_s)
    if case.is_uneven:  # what stands still for long is seen once
        length_s = step_s * np.where(rng.random(n) < 0.2, rng.integers(2, 12, n), 1)
    end_s = np.cumsum(length_s)
    frames = np.array(list(zip(end_s - length_s, end_s - length_s, end_s, strict=True)), FRAME)
    found = np.flatnonzero(score > 0)
    boxes = np.zeros(len(found), DETECTION)
    boxes["frame"], boxes["label"], boxes["confidence"] = found, LABEL, score[found]
    boxes["x2"] = boxes["y2"] = 0.2
    cuts = frames["start_s"][np.flatnonzero(np.diff(shot, prepend=-1))]
    return Columns(frames, boxes), there, cuts.tolist()


def _shots(case: Case, n: int, rng: np.random.Generator) -> NDArray[np.intp]:
    if case.shots:
        cuts = np.sort(rng.choice(np.arange(1, n), case.shots - 1, replace=False))
    else:
        lengths = rng.lognormal(np.log(4), 0.7, n) * FRAMES_A_SECOND
        cuts = np.cumsum(np.maximum(2, lengths.astype(int)))
    return np.searchsorted(cuts, np.arange(n), "right")


def _presence(case: Case, shot: NDArray[np.intp], rng: np.random.Generator) -> Flags:
    """All of a shot or a stretch of it, in some shots; in the first always."""
    there = np.zeros(len(shot), bool)
    for number in range(int(shot.max()) + 1):
        if number and rng.random() >= case.share * 1.4:
            continue
        frames = np.flatnonzero(shot == number)
        first, last = (0.0, 1.0) if rng.random() < 0.5 else np.sort(rng.random(2))
        begin = int(first * len(frames))
        there[frames[begin : max(int(last * len(frames)), begin + 1)]] = True
    return there


def _scores(
    case: Case, shot: NDArray[np.intp], there: Flags, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Confidences that are shifted together in a shot and from frame to frame; weak ones go."""
    if case.quality == PERFECT:
        return np.where(there, 0.9, 0.0)
    n, n_shots = len(shot), int(shot.max()) + 1
    drift = 1.2 * lfilter([0.43], [1, -0.9], rng.normal(size=n))
    middle = np.full(n, -0.5)
    if case.quality != USELESS:
        is_alike = rng.random(n_shots) < 0.12  # something that looks like it
        away = np.where(is_alike, -1.2 + 0.7 * rng.normal(size=n_shots), -5.0)
        near = case.quality + rng.normal(size=n_shots)
        middle = np.where(there, near[shot], away[shot])
    score = 1 / (1 + np.exp(-(middle + drift)))
    return np.where(score < 0.1, 0.0, score)


if __name__ == "__main__":
    raise SystemExit(main())
