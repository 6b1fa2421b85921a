import os
import shutil
import tempfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image
from support.gallery import draw_levels, make_gallery, png, published, view_name, viridis, write

from embed import Study, ingest_folder, ingest_labels, ingest_table, ingest_training_set
from embed.csvfile import write_csv
from embed.errors import InputError, StorageError
from embed.views.viridis import LUMINANCE

PICTURE = png(published(draw_levels(np.random.default_rng(0))))
OTHER = png(published(draw_levels(np.random.default_rng(1))))


@pytest.fixture
def study(tmp_path):
    with Study(tmp_path / "study", create=True) as opened:
        yield opened


def ingest(study, folder, **options):
    with study.run("ingest"):
        return ingest_folder(study, folder, **options)


def reasons(report):
    return {Path(skip.path).name: skip.reason for skip in report.skipped}


def test_gravity_spys_layout(study, tmp_path):
    data = tmp_path / "data"
    for duration in (0.5, 1.0, 2.0, 4.0):
        write(data / "Blip" / "train" / view_name("abcdefghij", duration), PICTURE)
    write(data / "deep" / "KOIFISH" / view_name("1253358791.477050066", 4.0, "L1"), PICTURE)
    report = ingest(study, data)
    assert (report.glitches, report.views, report.labels, report.skipped) == (2, 5, 2, [])
    glitches = study.glitches()
    assert glitches["id"].tolist() == ["H1_abcdefghij", "L1_1253358791.477050066"]
    assert glitches["label"].tolist() == ["Blip", "Koi_Fish"]
    assert glitches["gps"].tolist()[1] == pytest.approx(1253358791.477050066, abs=1e-6)
    assert study.metadata().loc[1, "sample_type"] == "train"
    assert [view.duration for view in study.views([1])] == [0.5, 1.0, 2.0, 4.0]


def test_a_second_run_adds_nothing(study, tmp_path):
    make_gallery(tmp_path / "data", {"Blip": 3, "Whistle": 2}, durations=(1.0, 4.0))
    ingest(study, tmp_path / "data")
    before = list(study.connection.iterdump())
    report = ingest(study, tmp_path / "data")
    assert (report.glitches, report.views, report.labels, report.unchanged) == (0, 0, 0, 10)
    assert [line for line in study.connection.iterdump() if '"runs"' not in line] == [
        line for line in before if '"runs"' not in line
    ]


def test_plain_images(study, tmp_path):
    data = tmp_path / "galaxies"
    write(data / "train" / "Spiral" / "0001.png", png(np.zeros((50, 60, 3), np.uint8)))
    write(data / "Elliptical" / "0001.jpg", png(np.ones((50, 60, 3), np.uint8)))
    ingest(study, data)
    glitches = study.glitches()
    assert glitches["id"].tolist() == ["Elliptical/0001", "train/Spiral/0001"]
    assert glitches["label"].tolist() == ["Elliptical", "Spiral"]
    assert {view.kind for view in study.views()} == {"image"}


def test_a_moved_file_is_found_again_and_a_changed_one_is_noticed(study, tmp_path):
    data = tmp_path / "data"
    path = write(data / "Blip" / view_name("a", 4.0), PICTURE)
    ingest(study, data)
    (data / "Whistle").mkdir()
    moved = path.rename(data / "Whistle" / path.name)
    report = ingest(study, data)
    assert (report.glitches, report.views, report.labels) == (0, 0, 1)
    assert study.views()[0].source == str(moved)
    assert study.glitches()["label"].tolist() == ["Whistle"]
    moved.write_bytes(OTHER)
    before = study.views()[0].sha256
    assert ingest(study, data).views == 1
    assert study.views()[0].sha256 != before


def test_bad_files_are_listed_and_good_ones_go_in(study, tmp_path):
    data = tmp_path / "data"
    write(data / "Blip" / view_name("good", 4.0), PICTURE)
    write(data / "Blip" / view_name("cut", 4.0), PICTURE[: len(PICTURE) // 2])
    write(data / "Blip" / view_name("text", 4.0), b"I am no image")
    write(data / "Blip" / view_name("empty", 4.0), b"")
    write(data / "Blip" / view_name("..", 4.0), PICTURE)
    write(data / "Blip" / "notes.txt", b"notes")
    write(data / "Copy" / view_name("good", 4.0), PICTURE)
    write(data / "Other" / view_name("good", 4.0), OTHER)
    write(data / "<script>alert(1)<" / view_name("odd", 4.0), OTHER)
    (data / "nothing").mkdir()
    report = ingest(study, data)
    assert study.glitches()["id"].tolist() == ["H1_odd", "H1_good"]
    assert study.glitches()["label"].tolist() == ["<script>alert(1)<", "Blip"]
    found = {str(Path(skip.path).relative_to(data)): skip.reason for skip in report.skipped}
    assert "truncated PNG" in found[f"Blip/{view_name('cut', 4.0)}"]
    assert "not a PNG or JPEG image (begins with b'I am no '" in found[f"Blip/{view_name('text', 4.0)}"]
    assert found[f"Blip/{view_name('empty', 4.0)}"] == "empty file"
    assert "'..' cannot be an id" in found[f"Blip/{view_name('..', 4.0)}"]
    assert "no image by its name (.txt)" in found["Blip/notes.txt"]
    assert "two files for one view: a copy of" in found[f"Copy/{view_name('good', 4.0)}"]
    assert "two files for one view: another picture than" in found[f"Other/{view_name('good', 4.0)}"]
    assert len(found) == 7


def test_a_glitch_under_two_labels_keeps_the_first(study, tmp_path):
    data = tmp_path / "data"
    write(data / "Blip" / view_name("a", 1.0), PICTURE)
    write(data / "Whistle" / view_name("a", 4.0), OTHER)
    for _ in range(2):
        report = ingest(study, data)
        assert reasons(report) == {
            view_name(
                "a", 4.0
            ): "label 'Whistle' left out: another view of this glitch lies under 'Blip'; move one of them"
        }
    assert study.glitches()["label"].tolist() == ["Blip"]
    assert study.count("labels") == 1


def test_no_such_folder(study, tmp_path):
    with pytest.raises(InputError, match="is not a folder; give a folder of images, a CSV or an HDF5"):
        ingest(study, tmp_path / "nowhere")


def test_a_folder_without_permission():
    """The superuser reads everything, so the ingest runs as another user."""
    base = Path(tempfile.mkdtemp(dir="/tmp"))
    user = 65534 if os.geteuid() == 0 else os.geteuid()
    try:
        write(base / "data" / "Blip" / view_name("good", 4.0), PICTURE)
        write(base / "data" / "Closed" / view_name("hidden", 4.0), PICTURE)
        write(base / "data" / "Whistle" / view_name("closed", 4.0), PICTURE).chmod(0)
        (base / "data" / "Closed").chmod(0)
        for path in (base, base / "data", base / "data" / "Blip", base / "data" / "Whistle"):
            path.chmod(0o777)
        own = os.geteuid()
        os.seteuid(user)
        try:
            with Study(base / "study", create=True) as study:
                report = ingest(study, base / "data")
                ids = study.glitches()["id"].tolist()
        finally:
            os.seteuid(own)
        assert ids == ["H1_good"]
        assert reasons(report) == {
            "Closed": "folder cannot be read (Permission denied)",
            view_name("closed", 4.0): "cannot be read (Permission denied)",
        }
    finally:
        (base / "data" / "Closed").chmod(0o700)
        shutil.rmtree(base)


def test_linked_folders_are_read_under_their_names(study, tmp_path):
    """Class folders may be links: what they lead to is read once, under the path as typed."""
    data, pool = tmp_path / "data", tmp_path / "pool"
    write(data / "Blip" / view_name("real", 4.0), PICTURE)
    write(pool / "w" / "train" / view_name("far", 4.0), OTHER)
    (data / "Whistle").symlink_to(pool / "w")
    for name, target in (("AWhistle", data / "Whistle"), ("ABlip", data / "Blip"), ("up", data), ("pool", pool)):
        (data / name).symlink_to(target)
    (data / "Blip" / "loop").symlink_to("..")
    (pool / "w" / "home").symlink_to(pool)
    (data / "broken.png").symlink_to(tmp_path / "nothing.png")
    report = ingest(study, data)
    glitches = study.glitches()
    assert dict(zip(glitches["id"], glitches["label"], strict=True)) == {"H1_far": "AWhistle", "H1_real": "Blip"}
    assert [view.source for view in study.views()] == [
        str(data / "AWhistle" / "train" / view_name("far", 4.0)),
        str(data / "Blip" / view_name("real", 4.0)),
    ]
    assert {str(Path(skip.path).relative_to(data)): skip.reason for skip in report.skipped} == {
        "ABlip": f"it links to {data / 'Blip'}, whose files are read anyway; remove the link",
        "AWhistle/home": f"it links to {pool}, the folder that it is in; remove the link",
        "Blip/loop": f"it links to {data}, the folder that it is in; remove the link",
        "Whistle": f"it links to {pool / 'w'}, whose files are read anyway; remove the link",
        "broken.png": "cannot be read (No such file or directory)",
        "pool": f"it links to {pool}, which holds {pool / 'w'}, whose files are read already; remove the link",
        "up": f"it links to {data}, the folder that it is in; remove the link",
    }


def test_pipes_and_devices_named_as_images_are_listed(study, tmp_path):
    data = tmp_path / "data"
    write(data / "Blip" / view_name("good", 4.0), PICTURE)
    os.mkfifo(data / "Blip" / view_name("pipe", 4.0))
    (data / "Blip" / view_name("zero", 4.0)).symlink_to("/dev/zero")
    report = ingest(study, data)
    assert report.glitches == 1
    assert [skip.reason for skip in report.skipped] == ["is a pipe, a socket, a device or a folder; remove it"] * 2


def test_a_name_that_is_no_utf8(study, tmp_path):
    data = tmp_path / "data"
    write(data / "Blip" / view_name("good", 4.0), PICTURE)
    (data / "Blip" / os.fsdecode(b"H1_\xff_spectrogram_4.0.png")).write_bytes(PICTURE)
    report = ingest(study, data)
    assert [skip.reason for skip in report.skipped] == ["its name is not UTF-8; rename it"]
    assert report.glitches == 1


# Tables

ZENODO = (
    "event_time,ifo,peak_time,peak_time_ns,duration,peak_frequency,snr,gravityspy_id,Blip,ml_label,ml_confidence,url1\n"
)


def table(study, text, tmp_path, encoding="utf-8"):
    path = write(tmp_path / "table.csv", text.encode(encoding))
    with study.run("ingest"):
        return ingest_table(study, path)


def test_a_classification_table(study, tmp_path):
    report = table(
        study,
        ZENODO
        + "1126400000.25,H1,1126400000,250000000,0.5,60.5,12.25,abc,0.9,Blip,0.98,https://x/1.png\n1.0,L1,2,0,,,9,def,0.1,KOIFISH,0.5,?\n",
        tmp_path,
    )
    assert (report.glitches, report.labels, report.skipped) == (2, 2, [])
    glitches = study.glitches()
    assert glitches["gps"].tolist() == [1126400000.25, 2.0]
    assert glitches["predicted"].tolist() == ["Blip", "Koi_Fish"]
    assert glitches["label"].tolist() == ["", ""]
    metadata = study.metadata()
    assert metadata.loc[1, ["snr", "peak_frequency", "url1"]].tolist() == [12.25, 60.5, "https://x/1.png"]
    assert "url1" not in metadata.loc[2].dropna()


def test_the_old_databases_names(study, tmp_path):
    report = table(study, "uniqueID,peakGPS,Label,imgUrl1,peakFreq\nabc,5.5,WHSTL,u,30\n", tmp_path)
    assert report.glitches == 1
    assert study.glitches().iloc[0][["label", "gps"]].tolist() == ["Whistle", 5.5]


def test_images_and_metadata_meet(study, tmp_path):
    write(tmp_path / "data" / "Blip" / view_name("abc", 4.0), PICTURE)
    ingest(study, tmp_path / "data")
    report = table(study, "gravityspy_id,ifo,event_time,label\nabc,H1,7.5,Whistle\n", tmp_path)
    assert report.glitches == 0
    assert study.glitches().iloc[0][["id", "gps", "label"]].tolist() == ["H1_abc", 7.5, "Whistle"]


@pytest.mark.parametrize(
    ("text", "encoding", "message"),
    [
        (
            "name,label\na,b\n",
            "utf-8",
            r"has no column gravityspy_id or uniqueID or id or glitch_id; its columns are: name, label",
        ),
        (
            "gravityspy_id,label\nabc,Caf\xe9\n",
            "latin-1",
            r"is not UTF-8 \(byte 0xe9 at position \d+\); save it in the spreadsheet as CSV UTF-8, .* `iconv -f LATIN1 ",
        ),
        (
            "gravityspy_id,label\nabc,Blip\n",
            "utf-16",
            r"is not UTF-8 \(byte 0xff at position 0\); .* `iconv -f UTF-16 -t UTF-8`",
        ),
        ("", "utf-8", r"table.csv is empty; give a CSV with a line of column names"),
        (
            "classification_id,user_name,annotations,subject_data\n1,a,[],{}\n",
            "utf-8",
            "is Zooniverse's classification export, and no table of glitches; `discover audit import` reads it",
        ),
        (
            "gravityspy_id,label\na,b\na,b,c,d\n",
            "utf-8",
            r"is not a readable CSV .*every row needs the header's columns",
        ),
    ],
)
def test_tables_that_cannot_be_read(study, tmp_path, text, encoding, message):
    with pytest.raises(InputError, match=message):
        table(study, text, tmp_path, encoding)


@pytest.mark.parametrize("separator", [";", "\t"])
def test_a_table_that_a_spreadsheet_saved_where_the_comma_is_the_decimal_point(study, tmp_path, separator):
    rows = ["gravityspy_id,ifo,event_time,snr,label", "abc,H1,5|25,-9|5,Blip", "d,H1,6,8.5,a|b"]
    text = "\r\n".join(rows).replace(",", separator).replace("|", ",")
    assert table(study, text, tmp_path, "utf-8-sig").skipped == []
    assert study.glitches()[["gps", "label"]].to_numpy().tolist() == [[5.25, "Blip"], [6.0, "a,b"]]
    assert study.metadata()["snr"].tolist() == [-9.5, 8.5]


def test_bad_rows_are_listed_and_good_ones_go_in(study, tmp_path):
    cell = "x" * 1_000_000
    text = f"gravityspy_id,ifo,event_time,label\ngood,H1,1.5,Blip\n../../etc/passwd,H1,1.5,Blip\nlong,H1,1.5,{cell}\nnumber,H1,soon,Blip\nalso,H1,2.5,<script>\n"
    report = table(study, text, tmp_path)
    assert study.glitches()["id"].tolist() == ["H1_good", "H1_also"]
    assert study.glitches()["label"].tolist() == ["Blip", "<script>"]
    assert {skip.path: skip.reason for skip in report.skipped} == {
        "table.csv:3": "'../../etc/passwd' cannot be an id (letters a to z and A to Z, digits and . _ + - ( ) only, at most 200 characters)",
        "table.csv:4": "its cell 'label' has 1000000 characters, the limit is 10000",
        "table.csv:5": "event_time 'soon' is not a number",
    }


@pytest.mark.parametrize(("column", "cell"), [("snr", "NaN"), ("event_time", "inf"), ("ml_confidence", "-Infinity")])
def test_numbers_that_are_not_finite_are_listed(study, tmp_path, column, cell):
    text = f"gravityspy_id,ifo,{column},ml_label\ngood,H1,0.5,Blip\nbad,H1,{cell},Blip\n"
    report = table(study, text, tmp_path)
    assert study.glitches()["id"].tolist() == ["H1_good"]
    assert [(skip.path, skip.reason) for skip in report.skipped] == [
        ("table.csv:3", f"{column} is {cell!r}, not a finite number; leave the cell empty where it is unknown")
    ]


def test_labels_are_added_and_never_overwrite(study, tmp_path):
    make_gallery(tmp_path / "data", {"Blip": 2})
    ingest(study, tmp_path / "data")
    path = write(
        tmp_path / "truth.csv",
        b"id,truth\nH1_a000000000,Whistle\na000000001,Tomte\nH1_a000000000,Whistle\nnobody,Blip\na000000001,Chirp\n",
    )
    for added in (2, 0):
        with study.run("labels"):
            report = ingest_labels(study, path, column="truth")
        assert report.labels == added
        assert {skip.path: skip.reason for skip in report.skipped} == {
            "truth.csv:5": "id 'nobody' is not in the study",
            "truth.csv:6": "'a000000001' is 'Tomte' in an earlier row and 'Chirp' here; keep one of them",
        }
    assert study.glitches()["label"].tolist() == ["Whistle", "Tomte"]
    history = study.connection.execute("SELECT label, by FROM labels WHERE glitch = 1 ORDER BY event").fetchall()
    assert history == [("Blip", "folder"), ("Whistle", "person")]
    with pytest.raises(InputError, match=r"has no column 'labels'; its columns are: id, truth"), study.run("labels"):
        ingest_labels(study, path, column="labels")


# The training set


def training_set(path, leaves):
    with h5py.File(path, "w") as file:
        for leaf, values in leaves.items():
            file[leaf] = values
    return path


def plane(seed=0):
    levels = draw_levels(np.random.default_rng(seed), shape=(140, 170))
    return (viridis(levels) / 255 @ LUMINANCE)[None].astype(np.float32)


def test_the_training_set(study, tmp_path):
    leaves = {
        f"{label}/{split}/{label[:3]}{number}/{duration}.png": plane(number)
        for label, split in (("Blip", "train"), ("Koi_Fish", "test"))
        for number in range(2)
        for duration in (0.5, 1.0, 2.0, 4.0)
    }
    path = training_set(tmp_path / "trainingsetv1d0.h5", leaves)
    for glitches, views in ((4, 16), (0, 0)):
        with study.run("ingest"):
            report = ingest_training_set(study, path)
        assert (report.glitches, report.views, report.skipped) == (glitches, views, [])
    assert study.glitches()["label"].tolist() == ["Blip", "Blip", "Koi_Fish", "Koi_Fish"]
    from embed.views.decoding import decode

    levels = decode(study.views([1])[3], 256).astype(int)
    expected = np.asarray(
        Image.fromarray(draw_levels(np.random.default_rng(0), shape=(140, 170))).resize((256, 256), 2)
    ).astype(int)
    assert np.abs(levels - expected).max() <= 1
    report = table(study, "gravityspy_id,ifo,event_time,label\nBli0,L1,5.0,Blip\n", tmp_path)
    assert report.glitches == 0
    assert study.glitches().iloc[0]["ifo"] == "L1"


def test_a_training_set_with_bad_leaves(study, tmp_path):
    leaves = {
        "Blip/train/good/4.0.png": plane(),
        "Blip/train/good/3.0.png": plane(),
        "Blip/train/wrong/4.0.png": np.full((1, 140, 170), 7.0),
        "Blip/train/flat/4.0.png": np.zeros(5),
        "Blip/train/nan/4.0.png": np.full((1, 140, 170), np.nan),
    }
    with study.run("ingest"):
        report = ingest_training_set(study, training_set(tmp_path / "t.h5", leaves))
    assert report.glitches == 1
    assert sorted(skip.reason[:30] for skip in report.skipped) == [
        "'3.0.png' is none of the durat",
        "shape (5,) is not one plane of",
        "values are not all between 0 a",
        "values are not all between 0 a",
    ]


def test_a_training_set_with_links_that_lead_nowhere_and_empty_planes(study, tmp_path):
    path = training_set(
        tmp_path / "t.h5",
        {
            "Blip/train/good/4.0.png": plane(),
            "Blip/train/flat/4.0.png": np.zeros((1, 0, 170)),
            "Blip/train/empty/4.0.png": h5py.Empty("f4"),
        },
    )
    with h5py.File(path, "a") as file:
        file["Whistle"] = h5py.SoftLink("/nowhere")
        file["Blip/train/far"] = h5py.ExternalLink("nothing.h5", "/x")
        file["Blip/train/loop"] = h5py.SoftLink("/Blip/train/loop")
        file["Blip/train/far2/4.0.png"] = h5py.ExternalLink("nothing.h5", "/x")
    with study.run("ingest"):
        report = ingest_training_set(study, path)
    assert (report.glitches, study.glitches()["id"].tolist()) == (1, ["good"])
    found = {skip.path: skip.reason for skip in report.skipped}
    for name in ("Whistle", "Blip/train/far", "Blip/train/loop"):
        assert found.pop(f"t.h5:/{name}").startswith("a link that leads nowhere (")
    assert found == {
        "t.h5:/Blip/train/empty/4.0.png": "shape None is not one plane of at most 25000000 pixels",
        "t.h5:/Blip/train/far2/4.0.png": "no data set of numbers",
        "t.h5:/Blip/train/flat/4.0.png": "shape (1, 0, 170) is not one plane of at most 25000000 pixels",
    }


@pytest.mark.parametrize("content", [b"no hdf5", None])
def test_what_is_no_training_set(study, tmp_path, content):
    path = tmp_path / "t.h5"
    if content is None:
        training_set(path, {"something": np.zeros(3)})
    else:
        path.write_bytes(content)
    with (
        pytest.raises(InputError, match=r"cannot be read as HDF5|is not a Gravity Spy training set"),
        study.run("ingest"),
    ):
        ingest_training_set(study, path)


def test_the_real_folder(study, real_data):
    report = ingest(study, real_data / "gravityspy")
    assert (report.glitches, report.views) == (248, 452)
    assert study.durations() == {0.5: 68, 1.0: 68, 2.0: 68, 4.0: 248}
    assert study.counts_by_label().to_dict() == {
        "Blip": 30,
        "Koi_Fish": 60,
        "None_of_the_Above": 120,
        "Scratchy": 8,
        "Whistle": 30,
    }
    assert study.glitches()["gps"].notna().sum() == 180


def test_a_link_into_a_hidden_folder_is_followed(study, tmp_path):
    data = tmp_path / "data"
    write(data / ".store" / "b" / view_name("kept", 4.0), PICTURE)
    (data / "Blip").symlink_to(data / ".store" / "b")
    (data / "Whistle").symlink_to(data / ".store" / "b")
    report = ingest(study, data)
    assert study.glitches()["label"].to_dict() == {1: "Blip"}
    assert list(reasons(report)) == ["Whistle"]


def test_labels_in_a_table_of_ours_are_read_as_they_were(study, tmp_path):
    """The writer's apostrophes before what a spreadsheet would run are removed; those of other tables stay."""
    for name in "abc":
        write(tmp_path / "data" / name / "1.png", PICTURE)
    ingest(study, tmp_path / "data")
    rows = [("a/1", "-0.5 Hz"), ("b/1", "'quoted"), ("c/1", "Blip")]
    write_csv(tmp_path / "labels.csv", ("id", "label"), rows)
    foreign = write(tmp_path / "foreign.csv", b"id,label\nc/1,'tis\n")
    with study.run("ingest"):
        report = ingest_labels(study, tmp_path / "labels.csv")
        assert (report.labels, report.skipped) == (3, [])
        glitches = study.glitches()
        assert set(zip(glitches["id"], glitches["label"], strict=True)) == set(rows)
        ingest_labels(study, foreign)
    assert "'tis" in set(study.glitches()["label"])


def test_a_pipe_is_no_table(study, tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    for read in (ingest_table, ingest_labels):
        with study.run("ingest"), pytest.raises(InputError, match="is a pipe, a socket or a device; give a file"):
            read(study, tmp_path / "pipe.csv")


def test_a_full_disk_is_not_blamed_on_the_training_set(study, tmp_path, monkeypatch):
    def full(*_):
        raise StorageError("the disk is full")

    with h5py.File(tmp_path / "set.h5", "w") as file:
        file["Blip/train/abc/1.0.png"] = np.zeros((1, 140, 170))
    monkeypatch.setattr("embed.ingest.trainingset.add_view", full)
    with pytest.raises(StorageError, match=r"\Athe disk is full\Z"), study.run("ingest"):
        ingest_training_set(study, tmp_path / "set.h5")
