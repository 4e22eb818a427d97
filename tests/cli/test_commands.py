"""Every command on a keep with real faces."""

import io
import json
import re
import shutil
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from tests.cli.conftest import Ran, new_keep

ACCOUNT = "account:" + "0" * 32
CAPTURE = "capture:" + "0" * 32
Run = Callable[..., Ran]
_BAND = re.compile(r"one in [\d,]+ strangers")


def test_init_says_what_is_weak_and_what_is_next(run: Run, tmp_path: Path) -> None:
    ran = run("init", tmp_path / "keep")
    assert ran.code == 0
    assert "keys-" not in ran.out
    for text in ("made a keep", "one theft takes all", "Next", "facekeep enrol"):
        assert text in ran.out
    keys = sorted((tmp_path / "keep" / "keys").rglob("*.key"))
    assert {path.parent.name for path in keys} >= {"registry", "left", "right"}
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in keys)
    again = run("init", tmp_path / "keep", "--json")
    assert (again.code, again.document["error"]) == (2, "UsageError")


def test_keys_can_be_elsewhere_and_only_init_is_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "vault").mkdir()
    assert run("init", tmp_path / "keep", "--keys", tmp_path / "vault" / "keys").code == 0
    assert not (tmp_path / "keep" / "keys").exists()
    assert run("list", "--keep", tmp_path / "keep").code == 0


def test_verify_says_yes_and_no(run: Run, keep: Path, pictures: Path) -> None:
    yes = run("verify", "obama", pictures / "obama2.jpg", "--keep", keep)
    assert (yes.code, yes.error) == (0, "")
    assert yes.out.startswith("yes")
    assert _BAND.search(yes.out)
    assert "%" not in yes.out
    no = run("verify", "obama", pictures / "biden.jpg", "--keep", keep)
    assert (no.code, no.out, no.error) == (1, "no: not verified.\n", "")


def test_every_no_looks_alike(run: Run, keep: Path, pictures: Path) -> None:
    answers = {
        run("verify", *options, pictures / "biden.jpg", "--keep", keep, "--json").out
        for options in (["obama"], ["nobody"], ["no such label"])
    }
    assert len(answers) == 1


def test_a_picture_without_a_face_is_a_no_with_a_reason(run: Run, keep: Path, tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (320, 240), (120, 130, 140)).save(tmp_path / "wall.png")
    ran = run("verify", "obama", tmp_path / "wall.png", "--keep", keep, "--json")
    assert ran.code == 1
    assert ran.document["acquired"] is False
    assert ran.document["reasons"]
    ran = run("verify", "obama", tmp_path / "wall.png", "--keep", keep)
    assert ran.out.startswith("no: the picture could not be used")


def test_a_search_needs_a_case_and_gives_unknown_by_default(run: Run, keep: Path, pictures: Path) -> None:
    assert run("identify", pictures / "obama3.jpg", "--keep", keep).code in (2, 3)
    assert run("identify", pictures / "obama3.jpg", "--keep", keep, "--case", "none").code == 1
    assert run("case", "open", "who is at the door", "--keep", keep, "--operator", "ann").code == 0
    options = ["--keep", keep, "--case", "who is at the door"]
    known = run("identify", pictures / "obama3.jpg", *options, "--json")
    assert known.code == 0
    (answer,) = known.document["pictures"]
    assert [candidate["label"] for candidate in answer["candidates"]] == ["obama"]
    assert answer["candidates"][0]["one_in"] > 100
    unknown = run("identify", pictures / "astronaut.png", *options)
    assert (unknown.code, unknown.out) == (1, "unknown.\n")
    both = run("identify", pictures / "obama3.jpg", pictures / "astronaut.png", *options)
    assert both.code == 1
    assert "obama" in both.out
    assert "unknown." in both.out
    assert "%" not in both.out
    cases = run("case", "show", "--keep", keep, "--json").document["cases"]
    assert [(case["case"], case["opened_by"]) for case in cases] == [("who is at the door", "ann")]
    assert "who is at the door" in run("case", "show", "--keep", keep).out


def test_one_bad_picture_does_not_hide_the_others(run: Run, keep: Path, pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.jpg").write_bytes(b"\xff\xd8\xff nothing")
    assert run("case", "open", "bad pictures", "--keep", keep).code == 0
    options = ["--keep", keep, "--case", "bad pictures", "--json"]
    ran = run("identify", tmp_path / "bad.jpg", pictures / "obama3.jpg", *options)
    assert ran.code == 4
    bad, good = ran.document["pictures"]
    assert bad["error"] == "ImageError"
    assert good["known"] is True
    alone = run("identify", tmp_path / "bad.jpg", *options)
    assert (alone.code, alone.document["error"]) == (4, "ImageError")


def test_list_and_show(run: Run, keep: Path) -> None:
    people = run("list", "--keep", keep, "--json").document["people"]
    assert [(p["label"], p["references"], p["purposes"]) for p in people] == [
        ("biden", 1, ["verify", "identify"]),
        ("obama", 1, ["verify", "identify"]),
    ]
    assert "obama" in run("list", "--keep", keep).out
    shown = run("show", "obama", "--keep", keep, "--json").document
    assert {consent["purpose"] for consent in shown["consents"]} == {"verify", "identify"}
    assert "never return me" in run("show", "obama", "--keep", keep).out
    assert run("show", "nobody", "--keep", keep).code == 1


def test_a_picture_from_the_standard_input(
    run: Run, keep: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = io.TextIOWrapper(io.BytesIO((pictures / "obama2.jpg").read_bytes()))
    monkeypatch.setattr(sys, "stdin", data)
    assert run("verify", "obama", "-", "--keep", keep).code == 0


def test_the_environment_names_the_keep(run: Run, keep: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("list").code == 2
    monkeypatch.setenv("FACEKEEP_KEEP", str(keep))
    assert run("list").code == 0
    monkeypatch.setenv("FACEKEEP_KEEPS", "x")
    ran = run("list", "--json")
    assert (ran.code, ran.document["error"]) == (2, "UsageError")
    assert "FACEKEEP_KEEP" in ran.document["hint"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["list", "--keep", "nowhere"], 2),
        (["verify", "obama"], 2),
        (["verify", "obama", "PICTURE", "--fmr", "much"], 2),
        (["verify", "obama", "PICTURE", "--fmr", "0"], 2),
        (["verify", "obama", "PICTURE", "--fmr", "0.5"], 2),
        (["verify", "obama", "PICTURE", "--purpose", "emotion"], 2),
        (["verify", "obama", "missing.jpg"], 4),
        (["verify", "obama", "NOTICE"], 4),
        (["verify", "obama", "PICTURE", "--purpose", "payment"], 3),
        (["enrol", "x", "PICTURE", "--consent", "fun", "--notice", "NOTICE"], 2),
        (["enrol", "x", "PICTURE", "--consent", ",", "--notice", "NOTICE"], 2),
        (["enrol", "x", "PICTURE", "--consent", "verify"], 2),
        (["enrol", "x", "--consent", "verify", "--notice", "NOTICE"], 2),
        (["enrol", "x", "-", "-", "--consent", "verify", "--notice", "NOTICE"], 2),
        (["enrol", "x", "PICTURE", "--consent", "verify", "--notice", "missing.txt"], 4),
        (["enrol", "x", "--people", "d", "--consent", "verify", "--notice", "NOTICE"], 2),
        (["enrol", "--people", "missing", "--consent", "verify", "--notice", "NOTICE"], 4),
        (["identify", "PICTURE", "--fpir", "1"], 2),
        (["identify", "PICTURE", "--candidates", "0"], 2),
        (["identify", "PICTURE", "--purpose", "verify"], 2),
        (["erase", "nobody", "--yes"], 1),
        (["erase", "obama"], 2),
        (["unlock", "obama", "--reviewer", "one"], 3),
        (["consent", "withdraw", "nobody", "--purpose", "verify"], 1),
        (["consent", "give", "obama", "--purpose", "payment", "--notice", "NOTICE", "--age", "17"], 3),
        (["consent", "give", "obama", "--purpose", "payment", "--notice", "NOTICE", "--guardian", "x"], 2),
        (["consent", "give", "obama", "--purpose", "payment", "--notice", "NOTICE", "--guardian-relation", "x"], 2),
        (["consent", "give", "obama", "--purpose", "payment", "--notice", "NOTICE", "--age", "151"], 2),
        (["consent", "give", "obama", "--purpose", "payment", "--notice", "NOTICE", "--evidence", "seen"], 4),
        (["consent", "give", "obama", "--purpose", "payment", "--notice", "NOTICE", "--evidence", ACCOUNT], 2),
        (["consent", "give", "obama", "--purpose", "payment", "--notice", "NOTICE", "--evidence", CAPTURE], 2),
        (["consent", "give", "obama", "--purpose", "payment", "--notice", "NOTICE", "--evidence", "form:none"], 4),
        (["consent", "withdraw", "obama", "--purpose", "verify", "--by-guardian"], 3),
        (["consent", "rules", "--guardian-under", "22"], 2),
        (["enrol", "x", "PICTURE", "--consent", "verify", "--notice", "NOTICE", "--consents", "NOTICE"], 2),
        (["enrol", "--people", "d", "--consent", "verify", "--notice", "NOTICE", "--age", "9"], 2),
        (["enrol", "--people", "d", "--consent", "verify", "--notice", "NOTICE", "--consents", "NOTICE"], 4),
        (["switch", "emotion", "on"], 2),
        (["case", "open", "x", "--days", "0"], 2),
        (["mystery"], 2),
        (["consent"], 2),
    ],
)
def test_errors_have_codes_messages_and_hints(
    run: Run, *, keep: Path, pictures: Path, notice: Path, arguments: list[str], code: int
) -> None:
    places = {"PICTURE": str(pictures / "obama2.jpg"), "NOTICE": str(notice)}
    given = [places.get(argument, argument) for argument in arguments]
    if arguments[0] != "mystery" and arguments != ["consent"] and "--keep" not in given:
        given += ["--keep", str(keep)]
    ran = run(*given, "--json")
    assert (ran.code, ran.error) == (code, ""), ran
    assert {"error", "message", "hint"} <= set(ran.document)
    assert "obama" not in ran.document["message"]


def test_an_error_is_two_lines_on_the_standard_error(run: Run, keep: Path) -> None:
    for arguments, code in ((["show", "nobody", "--keep", keep], 1), (["mystery"], 2), (["verify", "a", "b.jpg"], 4)):
        ran = run(*arguments)
        assert (ran.code, ran.out) == (code, "")
        assert [line.split(":")[0] for line in ran.error.splitlines()] == ["error", "hint"]


def test_a_fault_of_our_own_shows_no_value(run: Run, keep: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from facekeep.service.keep import Keep

    def fails(_self: Keep) -> None:
        raise ZeroDivisionError("ada's template is 0.123")

    monkeypatch.setattr(Keep, "subjects", fails)
    ran = run("list", "--keep", keep)
    assert (ran.code, ran.out) == (70, "")
    assert "ZeroDivisionError" in ran.error
    assert "ada" not in ran.error
    assert "Traceback" not in ran.error
    assert run("list", "--keep", keep, "--json").document["error"] == "InternalError"


def test_consent_switch_and_erasure(
    run: Run, tmp_path: Path, notice: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = new_keep(tmp_path, notice, pictures, "obama")
    monkeypatch.setenv("FACEKEEP_KEEP", str(folder))
    verify = ["verify", "obama", pictures / "obama2.jpg"]
    assert run(*verify).code == 0
    assert run("consent", "withdraw", "obama", "--purpose", "verify").code == 0
    assert run(*verify).code == 1
    consents = run("consent", "show", "obama", "--json").document["consents"]
    assert {c["purpose"]: c["holds"] for c in consents} == {"verify": False, "identify": True}
    assert run("consent", "give", "obama", "--purpose", "verify", "--notice", notice).code == 0
    assert run(*verify).code == 0
    off = run("switch", "verify", "off", "--json")
    assert off.document == {"switches": {"verify": False}}
    refused = run(*verify, "--json")
    assert (refused.code, refused.document["error"]) == (3, "PurposeOffError")
    assert run("switch", "verify", "on").code == 0
    assert run("switch", "--json").document["switches"]["verify"] is True
    assert run("refresh", "--json").document == {"epoch": 1, "rows": 1}
    assert run("rotate", "--json").document == {"rotated": True}
    assert run(*verify).code == 0
    assert run("never-return", "obama", pictures / "obama3.jpg", "--json").document["references_taken_out"] == 1
    assert run("case", "open", "c").code == 0
    assert run("identify", pictures / "obama2.jpg", "--case", "c").code == 1
    assert run("unlock", "obama", "--reviewer", "ann", "--reviewer", "bea", "--json").document == {"unlocked": "obama"}
    erased = run("erase", "obama", "--yes", "--json")
    assert erased.code == 0
    assert erased.document["erased"] == "obama"
    assert run(*verify).code == 1
    assert run("list").out == "nobody is enrolled.\n"


def test_a_folder_of_people_is_enrolled_without_stopping_at_a_failure(
    run: Run, tmp_path: Path, notice: Path, pictures: Path
) -> None:
    folder, people = new_keep(tmp_path, notice, pictures), tmp_path / "people"
    for name, source in (("barack", "obama.jpg"), ("joe", "biden.jpg"), ("eileen", "astronaut.png")):
        (people / name).mkdir(parents=True)
        (people / name / source).write_bytes((pictures / source).read_bytes())
    (people / "eileen" / "broken.jpg").write_bytes(b"no picture")
    (people / "nobody").mkdir()
    (people / "nobody" / "notes.txt").write_text("no picture")
    (people / "loose.jpg").write_bytes(b"not in a folder")
    options = ["--people", people, "--consent", "verify,identify", "--notice", notice, "--keep", folder]
    ran = run("enrol", *options)
    assert ran.code == 4
    assert ran.out.splitlines()[0] == "enrolled 2 of 4 people."
    assert "not enrolled: eileen:" in ran.error
    assert "not enrolled: nobody:" in ran.error
    labels = {person["label"] for person in run("list", "--keep", folder, "--json").document["people"]}
    assert labels == {"barack", "joe"}
    again = run("enrol", *options, "--json")
    failed = {one["label"]: one["error"] for one in again.document["failed"]}
    assert (again.code, again.document["enrolled"]) == (4, 2)
    assert failed == {"eileen": "ImageError", "nobody": "BadInputError"}


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("", "first line"),
        ("name,age\n", "first line"),
        ("label,age,age\n", "first line"),
        ("label,age\nobama,9,9\n", "row 2"),
        ("label,age\nobama\n", "row 2"),
        ("label,age\nobama,20\nbiden,x\n", "row 3"),
        ("label,age\nobama,20\nobama,21\n", "row 3"),
        ("label,age\nobama,151\n", "row 2"),
        ("label,guardian_relation\nobama,mother\n", "row 2"),
        ("label,evidence\nobama,form:missing.pdf\n", "row 2"),
        ('label,evidence\n"obama,word\n', "cannot be read"),
        ("label\nsomebody else\n", "no folder"),
    ],
)
def test_a_table_of_consents_that_does_not_fit_enrols_nobody(
    run: Run, *, tmp_path: Path, keep: Path, notice: Path, table: str, said: str
) -> None:
    (tmp_path / "people" / "obama").mkdir(parents=True)
    (tmp_path / "table.csv").write_text(table)
    options = ["--people", tmp_path / "people", "--consents", tmp_path / "table.csv", "--consent", "verify"]
    ran = run("enrol", *options, "--notice", notice, "--keep", keep)
    assert ran.code in (2, 4)
    assert said in ran.error
    assert "obama" not in ran.error
    assert "enrolled" not in ran.out


def test_rules_of_consents_are_shown_and_changed(run: Run, keep: Path, notice: Path, tmp_path: Path) -> None:
    at = ["--keep", keep]
    assert run("consent", "rules", *at, "--json").document == {"guardian_under": 18, "age_required": False}
    changed = run("consent", "rules", "--guardian-under", "14", "--age-required", "on", *at)
    assert changed.out == "a guardian consents under 14 years; every age has to be said.\n"
    give = ["consent", "give", "biden", "--purpose", "payment", "--notice", notice, *at]
    assert run(*give).code == 3
    (tmp_path / "scan.pdf").write_bytes(b"signed")
    evidence = ["--evidence", f"form:{tmp_path / 'scan.pdf'}", "--guardian", "His father", "--age", "13"]
    assert run(*give, *evidence).code == 0
    consent = run("consent", "show", "biden", *at, "--json").document["consents"][-1]
    assert consent["evidence"] == f"form:{sha256(b'signed').hexdigest()}"
    assert consent["guardian"] == {"name": "His father", "relation": "", "evidence": "word"}
    assert consent["of_age"] is not None
    assert "13" not in {str(value) for value in consent.values()}
    shown = run("consent", "show", "biden", *at).out
    assert "His father" in shown
    assert run("consent", "withdraw", "biden", "--purpose", "payment", "--by-guardian", *at).code == 0
    assert run("consent", "rules", "--guardian-under", "0", "--age-required", "off", *at).code == 0
    assert run("consent", "rules", *at).out == "no guardian is asked for; nobody has to say an age.\n"
    assert run("consent", "rules", "--guardian-under", "18", *at).code == 0


def test_doctor_names_a_damaged_store(run: Run, tmp_path: Path, notice: Path, pictures: Path) -> None:
    folder = new_keep(tmp_path, notice, pictures, "obama")
    sound = run("doctor", "--deep", "--keep", folder, "--json")
    codes = {finding["code"] for finding in sound.document["findings"]}
    assert {"same-disk", "keys-beside-stores", "keys-in-files"} <= codes
    assert (sound.code, sound.document["healthy"]) == (0, True)
    assert sound.document["status"]["people"] == 1
    (folder / "keys" / "left").chmod(0o755)
    loose = run("doctor", "--keep", folder, "--json")
    assert loose.code == 1
    assert "loose-keys" in {f["code"] for f in loose.document["findings"] if f["severity"] == "critical"}
    (folder / "keys" / "left").chmod(0o700)
    half = folder / "right" / "half.db"
    content = bytearray(half.read_bytes())
    for at in range(4096, len(content), 512):
        content[at] ^= 0xFF
    half.write_bytes(content)
    ran = run("doctor", "--deep", "--keep", folder)
    assert ran.code == 1
    assert "critical" in ran.out
    assert "right" in ran.out
    assert run("list", "--keep", folder).code == 5


def test_doctor_names_a_store_that_is_older_than_its_twins(
    run: Run, tmp_path: Path, notice: Path, pictures: Path
) -> None:
    folder = new_keep(tmp_path, notice, pictures, "obama")
    shutil.copytree(folder / "left", tmp_path / "backup")
    assert run("consent", "withdraw", "obama", "--purpose", "identify", "--keep", folder).code == 0
    shutil.rmtree(folder / "left")
    shutil.copytree(tmp_path / "backup", folder / "left")
    ran = run("doctor", "--keep", folder, "--json")
    assert (ran.code, ran.document["status"]) == (1, None)
    (found,) = [finding for finding in ran.document["findings"] if finding["severity"] == "critical"]
    assert found["code"] == "damaged-store"
    assert "left" in found["message"]
    refused = run("verify", "obama", pictures / "obama2.jpg", "--keep", folder, "--json")
    assert (refused.code, refused.document["error"]) == (5, "DamagedStoreError")
    assert "left" in refused.document["store"]


def test_doctor_names_a_missing_calibration_and_an_altered_model(
    run: Run, tmp_path: Path, notice: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = new_keep(tmp_path, notice, pictures)
    (folder / "calibration.json").unlink()
    ran = run("doctor", "--keep", folder, "--json")
    assert ran.code == 1
    assert "calibration" in next(f["message"] for f in ran.document["findings"] if f["severity"] == "critical")
    from facekeep.face import models

    copy = tmp_path / "models"
    shutil.copytree(models._DEFAULT_DIRECTORY, copy)
    with (copy / "fr_eye.onnx").open("r+b") as file:
        file.seek(1000)
        file.write(b"altered")
    (copy / "fr_pose.onnx").unlink()
    monkeypatch.setattr(models, "_DEFAULT_DIRECTORY", copy)
    found = run("doctor", "--keep", folder, "--json").document["findings"]
    messages = [finding["message"] for finding in found if finding["code"] == "model"]
    assert any("fr_eye was altered" in message for message in messages)
    assert any("fr_pose cannot be read" in message for message in messages)


def test_doctor_of_no_keep(run: Run, tmp_path: Path) -> None:
    ran = run("doctor", "--keep", tmp_path, "--json")
    assert ran.code == 1
    assert "not-open" in {finding["code"] for finding in ran.document["findings"]}


def test_bench_pipeline(run: Run, tmp_path: Path, pictures: Path) -> None:
    (tmp_path / "a.png").write_bytes((pictures / "astronaut.png").read_bytes())
    ran = run("bench", "pipeline", "--pictures", tmp_path, "--rounds", 1, "--threads", 1, "--json")
    assert ran.code == 0
    assert set(ran.document["stages"]) == {"decode", "detect", "quality", "align", "embed"}
    assert ran.document["pictures_per_second"] > 0
    assert "pictures a second" in run("bench", "pipeline", "--pictures", tmp_path, "--rounds", 1).out
    assert run("bench", "pipeline", "--pictures", tmp_path / "none").code == 2


def test_bench_search_with_callers_at_once(run: Run) -> None:
    search = ("bench", "search", "--rows", 2500, "--probes", 4, "--against", "", "--repeats", 3)
    ran = run(*search, "--callers", "1,6", "--json")
    assert ran.code == 0, ran
    assert ran.document["recall_at_1"] == 1
    alone, six = ran.document["callers"]
    assert (alone["callers"], alone["searches_per_pass"], six["callers"]) == (1, 1, 6)
    assert 1 < six["searches_per_pass"] <= 6
    assert 0 < six["p50_ms"] <= six["p99_ms"]
    for wrong in ("0", "65", "x", "1,,2"):
        assert run(*search, "--callers", wrong).code == 2


@pytest.mark.allow_hosts(["127.0.0.1"])
def test_bench_service(run: Run, tmp_path: Path, pictures: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    # The first is not fit for enrolment and is passed over.
    for number, name in enumerate(("obama_partial_face2.jpg", "obama.jpg")):
        (folder / f"{number}.jpg").symlink_to(pictures / name)
    ran = run("bench", "service", "--pictures", folder, "--clients", "1,3", "--requests", 7, "--json")
    assert ran.code == 0, ran
    assert ran.document["picture_bytes"] == (pictures / "obama.jpg").stat().st_size
    assert [load["clients"] for load in ran.document["loads"]] == [1, 3]
    for load in ran.document["loads"]:
        assert 0 < load["p50_ms"] <= load["p99_ms"]
        assert load["per_second"] > 0
        assert len(load["resident_mib"]) == 4
        assert min(load["resident_mib"]) > 100
    for wrong in (("--clients", "0"), ("--clients", "x"), ("--clients", "5", "--requests", "3"), ("--clients", "65")):
        assert run("bench", "service", "--pictures", folder, *wrong).code == 2
    (folder / "1.jpg").unlink()
    assert run("bench", "service", "--pictures", folder).code == 4


@pytest.mark.allow_hosts(["127.0.0.1"])
def test_bench_reviews(run: Run) -> None:
    ran = run("bench", "reviews", "--reviews", 300, "--requests", 2, "--json")
    assert ran.code == 0, ran.error
    told = ran.document
    assert (told["reviews"], told["listed"]) == (300, 50)
    assert all(0 < told[name]["p50_ms"] <= told[name]["p99_ms"] for name in ("first", "filtered", "middle", "peer"))
    for wrong in (("--reviews", 0), ("--reviews", 100_001), ("--requests", 0)):
        assert run("bench", "reviews", *wrong).code == 2


def test_bench_search(run: Run) -> None:
    ran = run("bench", "search", "--rows", 500, "--probes", 2, "--against", "faiss", "--repeats", 1, "--json")
    assert ran.code == 0, ran
    for key in ("ours_ms", "peers", "recall_at_1", "bytes_per_row_and_half"):
        assert key in ran.document
    assert set(ran.document["peers"]["faiss"]) >= {"ms", "ratio"}
    assert run("bench", "search", "--against", "oracle").code == 2


def test_evaluate(run: Run, tmp_path: Path, pictures: Path) -> None:
    for name, sources in (("a", ["obama.jpg", "obama2.jpg"]), ("b", ["biden.jpg"]), ("c", ["astronaut.png"])):
        (tmp_path / "set" / name).mkdir(parents=True)
        for source in sources:
            (tmp_path / "set" / name / source).write_bytes((pictures / source).read_bytes())
    report = tmp_path / "report.html"
    ran = run("evaluate", "--images", tmp_path / "set", "--html", report, "--json")
    assert ran.code == 0, ran
    assert ran.document["schema"].startswith("facekeep-evaluation")
    assert ran.document["written"] == {"html": str(report)}
    assert "<svg" in report.read_text()
    few = run("evaluate", "--images", tmp_path / "set", "--write-calibration", tmp_path / "c.json", "--json")
    assert (few.code, few.document["error"]) == (4, "BadInputError")
    text = run("evaluate", "--images", tmp_path / "set").out
    assert "3 people, 4 pictures" in text
    without = run("evaluate", "--json")
    assert (without.code, without.document["error"]) == (2, "UsageError")


def test_evaluate_pad(run: Run, tmp_path: Path, pictures: Path) -> None:
    for folder, name in (("bona-fide", "obama.jpg"), ("attack/print", "biden.jpg")):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / name).write_bytes((pictures / name).read_bytes())
    ran = run("evaluate", "pad", tmp_path, "--json")
    assert ran.code == 0, ran
    assert ran.document["schema"] == "facekeep-pad-evaluation/1"
    # A real picture that is called a print passes as what it is.
    assert ran.document["pictures"]["attacks"]["print"]["apcer"]["errors"] == 1
    assert ran.document["pictures"]["acer"] == 0.5
    text = run("evaluate", "pad", tmp_path).out
    assert "APCER" in text
    assert run("evaluate", "pad", tmp_path / "nothing").code == 2


def test_json_is_the_only_output(run: Run, keep: Path) -> None:
    ran = run("list", "--keep", keep, "--json")
    assert ran.error == ""
    json.loads(ran.out)
