"""Commands that measure: evaluate, and bench search, pipeline, service, ledger, reviews."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facekeep.errors import ModelError, UsageError
from facekeep.interfaces.cli.context import composition
from facekeep.interfaces.cli.measuring_pad import evaluate_pad
from facekeep.interfaces.cli.options import JsonOption, read_picture
from facekeep.interfaces.cli.place import here_only
from facekeep.interfaces.cli.reply import Heading, Line, Rows, reply, shown
from facekeep.interfaces.cli.writing import HtmlOption, steps, write_text

if TYPE_CHECKING:
    from facekeep.domain.comparison import Calibration
    from facekeep.domain.performance import Rate
    from facekeep.service.evaluation import Evaluation

__all__ = ["add_commands"]

_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif", ".tif", ".tiff"})
_DEMO_PICTURES = Path(".cache/pictures")


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this module."""
    panel = "Measure"
    evaluation = typer.Typer(help=evaluate.__doc__)
    evaluation.callback(invoke_without_command=True)(here_only(evaluate))
    evaluation.command("pad")(evaluate_pad)
    app.add_typer(evaluation, name="evaluate", rich_help_panel=panel)
    group = typer.Typer(help="Time the search beside plaintext peers, and the way of a picture.")
    group.command("search")(bench_search)
    group.command("pipeline")(bench_pipeline)
    group.command("service")(bench_service)
    group.command("ledger")(bench_ledger)
    group.command("reviews")(bench_reviews)
    app.add_typer(group, name="bench", rich_help_panel=panel)


def evaluate(
    context: typer.Context,
    *,
    images: Annotated[
        Path | None,
        typer.Option("--images", metavar="DIR", help="A folder with a folder for each person.", show_default=False),
    ] = None,
    pairs: Annotated[
        Path | None, typer.Option("--pairs", metavar="FILE", help="A list of pairs as LFW has it.", show_default=False)
    ] = None,
    groups: Annotated[
        Path | None,
        typer.Option("--groups", metavar="CSV", help="Groups of people, to compare error rates.", show_default=False),
    ] = None,
    calibration: Annotated[
        Path | None,
        typer.Option(
            "--calibration", metavar="FILE", help="Thresholds to judge; else the shipped.", show_default=False
        ),
    ] = None,
    write_calibration: Annotated[
        Path | None,
        typer.Option(
            "--write-calibration", metavar="FILE", help="Write the thresholds that were measured.", show_default=False
        ),
    ] = None,
    source: Annotated[
        str, typer.Option("--source", metavar="TEXT", help="What was measured on, for the calibration and the report.")
    ] = "pictures of the operator",
    html: HtmlOption = None,
    workers: Annotated[int, typer.Option("--workers", metavar="N", help="Threads.")] = 2,
    as_json: JsonOption = False,
) -> None:
    """Measure error rates of the model on pictures of people: DET, FMR, FNMR, search, groups."""
    if context.invoked_subcommand is not None:
        return
    if images is None:
        raise UsageError("evaluate needs --images DIR", hint="Or measure attack detection: facekeep evaluate pad DIR.")
    from facekeep.face.pipeline import FacePipeline
    from facekeep.service import calibration as calibrations
    from facekeep.service.evaluation import evaluate as measure
    from facekeep.service.evaluation_acquisition import CentralFaceEmbedder
    from facekeep.service.evaluation_data import read_folders, read_groups, read_lfw
    from facekeep.service.evaluation_report import html_report

    pictures = read_folders(images) if pairs is None else read_lfw(images, pairs)
    table = None if groups is None else read_groups(groups, pictures.names)
    pack, chosen = composition(context).models()
    pipeline = FacePipeline.build(pack, chosen)
    embedder = CentralFaceEmbedder(pipeline.detector, pipeline.extractor)
    with steps() as tell:
        result = measure(
            pictures,
            embedder,
            groups=table,
            calibration=_calibration(calibration, embedder.model),
            workers=workers,
            progress=tell,
        )
    written: dict[str, object] = {}
    if write_calibration is not None:
        measured = calibrations.calibrate(result.non_mated, result.pictures_of, model=result.model, source=source)
        write_text(write_calibration, calibrations.to_json(measured))
        written["calibration"] = write_calibration
    if html is not None:
        write_text(html, html_report(result, title=source))
        written["html"] = html
    lines = [*_evaluation_lines(result), *(f"wrote the {what}: {shown(str(path))}" for what, path in written.items())]
    made = datetime.now(UTC).replace(microsecond=0)
    reply({**result.as_json(), "made": made, "written": written}, lines, as_json=as_json)


def _calibration(path: Path | None, model: str) -> Calibration | None:
    from facekeep.service import calibration as calibrations

    if path is not None:
        return calibrations.read_calibration(path, model)
    try:
        return calibrations.shipped_calibration(model)
    except ModelError:
        return None  # an own model has none yet; measuring one is what this command is for


def _evaluation_lines(result: Evaluation) -> Iterator[Line]:
    yield f"{result.people:,} people, {result.pictures:,} pictures, {result.pictures_per_second:.1f} pictures a second."
    yield f"failure to acquire {_rate(result.failure_to_acquire)}; {result.unreadable} files could not be read."
    if result.accuracy is not None:
        folds = "drawn here" if result.pairs_drawn else "as given"
        mean, error = 100 * result.accuracy.mean, 100 * result.accuracy.standard_error
        yield f"accuracy {mean:.2f} % ± {error:.2f} (folds {folds})."
    if result.points:
        cells = [
            (f"{p.point.target_fmr:.0e}", f"{p.point.threshold:.3f}", _rate(p.point.fnmr), _ends(p.fnmr_over_subjects))
            for p in result.points
        ]
        yield Heading("False non-matches at a false match rate, over all cross pairs")
        yield Rows(("FMR", "threshold", "FNMR", "95 % over subjects"), cells, frozenset({0, 1}))
    if result.search is not None:
        yield f"1:N among {result.search.references:,}: rank 1 {_rate(result.search.rank_1)}."
    attributes = dict.fromkeys(shown(one.attribute) for one in result.differentials)
    if attributes:
        yield f"groups by {', '.join(attributes)}: their error rates are in --json and --html."


def _rate(rate: Rate) -> str:
    return f"{100 * rate.value:.3g} % ({rate.errors:,} of {rate.trials:,})" if rate.trials else "– (no trial)"


def _ends(interval: tuple[float, float]) -> str:
    return f"{100 * interval[0]:.3g} to {100 * interval[1]:.3g} %"


def bench_search(
    *,
    rows: Annotated[int, typer.Option("--rows", metavar="N", help="Size of the gallery.")] = 100_000,
    probes: Annotated[int, typer.Option("--probes", metavar="Q", help="Probes searched together.")] = 1,
    against: Annotated[str, typer.Option("--against", metavar="NAMES", help="faiss, usearch, or both.")] = "faiss",
    threads: Annotated[
        int | None, typer.Option("--threads", metavar="T", help="Cores for all; else all.", show_default=False)
    ] = None,
    repeats: Annotated[int, typer.Option("--repeats", metavar="N", help="How often each is timed.")] = 9,
    callers: Annotated[
        str,
        typer.Option(
            "--callers",
            metavar="N[,N]",
            help="Also with so many callers at once, each with a search of its own.",
            show_default=False,
        ),
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Time a whole 1:N search, both halves and all, beside plaintext exact search."""
    from facekeep.service.benchmark_search import SearchSettings, run

    peers = tuple(name.strip() for name in against.split(",") if name.strip())
    with steps() as tell:
        result = run(SearchSettings(rows, probes, peers, threads, repeats, callers=_numbers(callers)), tell)
    cells = [("facekeep, split and sealed", f"{result.ours_ms:,.2f}", "1.0")]
    cells += [(f"{name}, plaintext", f"{peer.ms:,.2f}", f"{peer.ratio:,.1f}") for name, peer in result.peers.items()]
    lines: list[Line] = [
        Rows((f"{probes:,} probe(s) in {rows:,} rows", "ms", "time over ours"), cells, frozenset({1, 2})),
        f"recall at 1 {result.recall_at_1:.4f}; {result.bytes_per_row_and_half:,.0f} bytes of memory a row and half; "
        f"opened in {result.open_seconds:.1f} s.",
    ]
    if result.callers:
        measured = [
            (
                f"{c.callers}",
                f"{c.p50_ms:,.1f}",
                f"{c.p99_ms:,.1f}",
                f"{c.per_second:,.1f}",
                f"{c.searches_per_pass:.1f}",
            )
            for c in result.callers
        ]
        header = ("callers at once", "p50 ms", "p99 ms", "searches a second", "searches a pass")
        lines.append(Rows(header, measured, frozenset(range(5))))
    reply(result.as_json(), lines, as_json=as_json)


def bench_pipeline(
    context: typer.Context,
    *,
    pictures: Annotated[Path, typer.Option("--pictures", metavar="DIR", help="A folder of pictures.")] = _DEMO_PICTURES,
    rounds: Annotated[int, typer.Option("--rounds", metavar="N", help="How often each picture is taken.")] = 5,
    threads: Annotated[
        int | None, typer.Option("--threads", metavar="T", help="Cores for a picture; else all.", show_default=False)
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Time the way from a picture to a template, in all and stage by stage."""
    from dataclasses import replace

    from facekeep.face.pipeline import FacePipeline
    from facekeep.face.quality import QualityAssessor
    from facekeep.service.benchmark_pipeline import benchmark_pipeline

    data = [read_picture(path) for path in _pictures_below(pictures)]
    pack, chosen = composition(context).models()
    pipeline = FacePipeline.build(pack, replace(chosen, threads=threads))
    with steps() as tell:
        result = benchmark_pipeline(
            data,
            pipeline,
            QualityAssessor.build(pack),
            rounds=rounds,
            progress=lambda done, every: tell("rounds", done, every),
        )
    document = {
        "pictures": result.pictures,
        "rounds": result.rounds,
        "faces": result.faces,
        "pictures_per_second": result.pictures_per_second,
        "milliseconds_per_picture": result.milliseconds_per_picture,
        "stages": {stage: {"median_ms": ms} for stage, ms in result.milliseconds.items()},
        "threads": threads,
    }
    cells = [(stage, f"{ms:,.2f}") for stage, ms in result.milliseconds.items()]
    lines: list[Line] = [
        f"{result.pictures_per_second:.1f} pictures a second, {result.milliseconds_per_picture:.1f} ms a picture "
        f"({result.faces} of {result.pictures} pictures have a face).",
        Rows(("stage", "median ms"), cells, frozenset({1})),
    ]
    reply(document, lines, as_json=as_json)


def bench_service(
    *,
    pictures: Annotated[Path, typer.Option("--pictures", metavar="DIR", help="A folder of pictures.")] = _DEMO_PICTURES,
    clients: Annotated[
        str, typer.Option("--clients", metavar="N[,N]", help="Clients at once, one number after the other.")
    ] = "1,4,16",
    requests: Annotated[
        int, typer.Option("--requests", metavar="N", help="Verifications with each number of clients.")
    ] = 240,
    as_json: JsonOption = False,
) -> None:
    """Time verifications over HTTP, from the photo to the decision, with clients at once."""
    from facekeep.interfaces.http.load import benchmark_service

    data = [read_picture(path) for path in _pictures_below(pictures)]
    with steps() as tell:
        result = benchmark_service(data, _numbers(clients), requests, tell)
    cells = [
        (
            f"{load.clients}",
            f"{load.p50_ms:,.0f}",
            f"{load.p99_ms:,.0f}",
            f"{load.per_second:,.1f}",
            f"{load.p50_ms / result.library_ms:,.1f}",
            " ".join(f"{mib:,.0f}" for mib in load.resident_mib),
        )
        for load in result.loads
    ]
    header = ("clients", "p50 ms", "p99 ms", "a second", "p50 over library", "MiB after each quarter")
    lines: list[Line] = [
        f"A picture of {result.picture_bytes:,} bytes; by the library alone {result.library_ms:.0f} ms.",
        Rows(header, cells, frozenset(range(6))),
    ]
    reply(result.as_json(), lines, as_json=as_json)


def bench_ledger(
    *,
    leaves: Annotated[int, typer.Option("--leaves", metavar="N", help="Entries of the ledger.")] = 1_000_000,
    batch: Annotated[int, typer.Option("--batch", metavar="N", help="Entries in a transaction.")] = 100,
    as_json: JsonOption = False,
) -> None:
    """Time appends to the ledger and proofs from it, beside a plain log in SQLite."""
    from dataclasses import asdict

    from facekeep.service.benchmark_ledger import benchmark_ledger

    with steps() as tell:
        found = benchmark_ledger(leaves, batch, progress=lambda done, every: tell("entries", done, every))
    ratio = found.appends_per_second / found.peer_appends_per_second
    cells = [
        ("appends a second", f"{found.appends_per_second:,.0f}"),
        ("of a plain log", f"{found.peer_appends_per_second:,.0f}"),
        ("ratio", f"{ratio:.2f}"),
        ("bytes an entry", f"{found.bytes_per_entry:,.0f}"),
        ("proof of inclusion, ms", f"{found.inclusion[0]:.2f}, at most {found.inclusion[1]:.2f}"),
        ("proof of consistency, ms", f"{found.consistency[0]:.2f}, at most {found.consistency[1]:.2f}"),
        ("hashing the plain log, ms", f"{found.rehash:,.0f}"),
    ]
    lines: list[Line] = [
        f"{leaves:,} entries, {batch:,} in a transaction.",
        Rows(("figure", "value"), cells, frozenset({1})),
    ]
    reply(asdict(found), lines, as_json=as_json)


def bench_reviews(
    *,
    reviews: Annotated[int, typer.Option("--reviews", metavar="N", help="Open ones, of two organisations.")] = 10_000,
    requests: Annotated[int, typer.Option("--requests", metavar="N", help="Of each kind, in turn.")] = 200,
    as_json: JsonOption = False,
) -> None:
    """Time the queue of reviews over HTTP, beside a request that says no more than that the service lives."""
    from dataclasses import asdict

    from facekeep.interfaces.http.load_reviews import benchmark_reviews

    with steps() as tell:
        found = benchmark_reviews(reviews, requests, tell)
    cells = [
        (
            name,
            f"{times.p50_ms:,.1f}",
            f"{times.p99_ms:,.1f}",
            f"{times.p50_ms / found.peer.p50_ms:,.1f}",
            f"{listed:,}",
        )
        for name, times, listed in (
            ("first page", found.first, found.listed),
            ("page by a filter", found.filtered, found.listed),
            ("page from the middle", found.middle, found.listed),
            ("health, the peer", found.peer, 0),
        )
    ]
    header = ("request", "p50 ms", "p99 ms", "p50 over peer", "reviews listed")
    lines: list[Line] = [
        f"{reviews:,} open reviews of two organisations; ready {found.ready_seconds:.1f} s after the start.",
        Rows(header, cells, frozenset(range(1, 5))),
    ]
    reply(asdict(found), lines, as_json=as_json)


def _numbers(text: str) -> tuple[int, ...]:
    """Numbers between commas.

    Raises:
        UsageError: they are none.
    """
    try:
        return tuple(int(number) for number in text.split(",")) if text else ()
    except ValueError:
        raise UsageError("these are no numbers", hint="For example 1,4,16.") from None


def _pictures_below(folder: Path) -> list[Path]:
    """The pictures in a folder, by their names.

    Raises:
        UsageError: there is none.
    """
    try:
        found = sorted(path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES and path.is_file())
    except OSError:
        found = []
    if not found:
        raise UsageError(
            "there is no picture in the folder of pictures",
            hint="Give --pictures DIR; in a clone of the project, python tools/pictures/fetch.py fetches some.",
        )
    return found
