"""From a study to a generator in it, and what is refused."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from support.generators import make_study

from embed import Study
from embed.errors import InputError, StudyError
from embed.generator.examples import read_examples
from embed.generator.learned import read_learned
from embed.generator.model import load_generator
from embed.generator.options import GeneratorOptions
from embed.generator.place import generator_names, read_card
from embed.generator.source import open_source
from embed.generator.trainer import train_generator

OPTIONS = GeneratorOptions(name="g", resolution=8, images=160, batch=8, channels=8, critic="own", device="cpu")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A study with a generator; read only."""
    folder = make_study(tmp_path_factory.mktemp("trained"), {"Blip": 12, "Koi_Fish": 8})
    with Study(folder) as study:
        train_generator(study, OPTIONS)
    return folder


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_generator_is_a_folder_that_says_what_it_learned_from(trained):
    folder = trained / "generators" / "g"
    assert {path.name for path in folder.iterdir()} == {
        "generator.json",
        "weights.safetensors",
        "critic.safetensors",
        "history.csv",
        "parts.csv",
        "samples",
        "SHA256SUMS",
    }
    assert not folder.with_name("g.training").exists()
    assert generator_names(trained) == ["g"]
    card = json.loads((folder / "generator.json").read_text())
    assert card["classes"] == ["Blip", "Koi_Fish"]
    with Study(trained) as study:
        examples = read_examples(study, (), 8)
    learned = read_learned(load_generator(folder)).ids
    assert learned == examples.learned.ids
    assert sum(card["counts"].values()) == (examples.part == 0).sum() == len(learned)
    assert not learned & {examples.ids[row] for row in examples.held_out()}
    assert len(list((folder / "samples").glob("*.png"))) == 4


def test_samples_follow_from_class_and_seed(trained):
    source = open_source(trained, "g", torch.device("cpu"))
    one = source.sample("Blip", 3, 1)
    assert one.shape == (3, 3, 8, 8)
    assert one.dtype == np.uint8
    assert np.array_equal(one, source.sample("Blip", 70, 1)[:3])
    assert not np.array_equal(one, source.sample("Blip", 3, 2))
    assert not np.array_equal(one, source.sample("Koi_Fish", 3, 1))


def test_the_same_command_again_changes_nothing_and_another_needs_to_replace(trained, tmp_path):
    folder = shutil.copytree(trained, tmp_path / "study")
    before = contents(folder / "generators")
    (folder / "generators" / "g.training").mkdir()  # by a kill while the checkpoints were removed
    with Study(folder) as study:
        train_generator(study, OPTIONS)
        assert contents(folder / "generators") == before
        assert not (folder / "generators" / "g.training").exists()
        with pytest.raises(
            InputError, match="there is a generator 'g' already, with other batch; give another --name, or --replace"
        ):
            train_generator(study, replace(OPTIONS, batch=16))
        train_generator(study, replace(OPTIONS, images=80, replace=True))
    assert read_card(folder / "generators" / "g")["images"] == 80


def test_a_stopped_training_ends_with_the_same_generator(trained, tmp_path):
    folder = shutil.copytree(trained, tmp_path / "study")
    before = contents(folder / "generators")
    shutil.rmtree(folder / "generators")

    def stop(done, _):
        if done == 11:
            raise KeyboardInterrupt

    with Study(folder) as study:
        with pytest.raises(KeyboardInterrupt):
            train_generator(study, OPTIONS, progress=stop)
        train_generator(study, OPTIONS)
    assert contents(folder / "generators") == before


def test_one_class_alone(trained, tmp_path):
    folder = shutil.copytree(trained, tmp_path / "study")
    with Study(folder) as study:
        model = train_generator(study, replace(OPTIONS, name="one", classes=("Koi_Fish",), images=16))
    assert model.classes == ("Koi_Fish",)


def test_too_few_examples_are_refused_by_name(tmp_path):
    folder = make_study(tmp_path, {"Blip": 12, "Koi_Fish": 8, "Tomte": 1})
    with Study(folder) as study:
        with pytest.raises(
            InputError, match=r"a class needs 2 glitches .* too few have Tomte \(1\); label more, or name the others"
        ):
            train_generator(study, OPTIONS)
        study_of_three = make_study(tmp_path / "three", {"Blip": 12, "Koi_Fish": 3})
        with (
            Study(study_of_three) as other,
            pytest.raises(
                InputError,
                match=r"a class needs 2 glitches .* in the training part to be learned, too few have Koi_Fish \(1 of 3\); label more",
            ),
        ):
            train_generator(other, OPTIONS, decoded=lambda *_: pytest.fail("refused before anything is decoded"))
        with pytest.raises(InputError, match="no glitch is labelled 'Koi_Fsh'; did you mean 'Koi_Fish'"):
            train_generator(study, replace(OPTIONS, classes=("Koi_Fsh",)))
        train_generator(study, replace(OPTIONS, classes=("Blip", "Koi_Fish"), images=16))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "simulator"}, "--name simulator is the name of the simulator itself"),
        ({"resolution": 65}, "--resolution 65 is none of 8, 16, 32, 64, 128, 256"),
        ({"batch": 30}, "--batch 30 is no multiple of 4; give 28"),
        ({"images": 5}, "--images 5 is less than one batch of 8"),
        ({"learning_rate": -1.0}, "--lr -1.0 is not between 0 and 1"),
        ({"channels": 0}, "--channels 0: give at least 1"),
        ({"precision": "half"}, "--precision 'half' is none of auto, float32, bfloat16"),
    ],
)
def test_options_out_of_range(change, message):
    with pytest.raises(InputError, match=message):
        replace(OPTIONS, **change)


def test_damaged_generators_are_refused(trained, tmp_path):
    folder = shutil.copytree(trained / "generators" / "g", tmp_path / "study" / "generators" / "g")
    (folder / "weights.safetensors").write_bytes(b"torn")
    with pytest.raises(
        StudyError, match=r"the weights of the generator .* are damaged .* train it again with --replace"
    ):
        load_generator(folder)
    (folder / "generator.json").write_text("{}")
    with pytest.raises(StudyError, match=r"generator.json is damaged: it needs method, classes"):
        load_generator(folder)
    (folder / "generator.json").write_text("{")
    with pytest.raises(StudyError, match=r"generator.json cannot be read"):
        load_generator(folder)


@pytest.mark.long
def test_two_processes_make_the_generator_of_one(trained, tmp_path):
    folder = shutil.copytree(trained, tmp_path / "study")
    script = tmp_path / "child.py"
    script.write_text(
        "import sys, torch\nfrom embed import Study\nfrom embed.generator.options import GeneratorOptions\n"
        "from embed.generator.trainer import train_generator\n"
        "with Study(sys.argv[1]) as study:\n"
        "    train_generator(study, GeneratorOptions(name='two', resolution=8, images=160, batch=8, channels=8, critic='own', device='cpu'))\n"
    )
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", str(script), str(folder)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run(command, check=True, env=environment, timeout=300)
    one, two = (load_generator(folder / "generators" / name) for name in ("g", "two"))
    assert two.card["processes"] == 2
    weights = two.generator.state_dict()
    for name, value in one.generator.state_dict().items():
        assert (value - weights[name]).abs().mean() < 3e-3, (
            name
        )  # Adam makes much of what rounding leaves in single weights
