"""Recursive training: the choice and the rounds on arrays with known truth, and the whole on a small study."""

import re
import shutil
from dataclasses import replace

import numpy as np
import pytest

from discovery.evaluation.additions import SHOWN, AddedClass, Additions, _spread, best_addition, load_additions
from discovery.evaluation.selftraining import recursion_html, write_recursion
from embed.dataset.dataset import Labelled, choose_kind, find_groups, make_training_set
from embed.dataset.splits import TRAIN
from embed.errors import InputError
from embed.metrics.baseline import fit_baseline
from embed.training.abstention import Abstention
from embed.training.hiddenclasses import HiddenClass, HiddenClasses
from embed.training.rounds import Round, most_confident, run_rounds


def world(seed=0, labelled=24, pool=600, classes=3):
    """Elongated clouds of which few glitches are labelled; row numbers are places in `vectors`."""
    rng = np.random.default_rng(seed)
    codes = np.concatenate([np.arange(labelled) % classes, rng.integers(0, classes, pool + 600)])
    centres = 1.5 * np.eye(classes, 12)
    vectors = centres[codes] + 0.55 * rng.normal(size=(len(codes), 12))
    names = np.array(["a", "b", "c"])[codes]
    return (
        vectors,
        names,
        np.arange(labelled),
        np.arange(labelled, labelled + pool),
        np.arange(labelled + pool, len(codes)),
    )


def trainer(vectors, names, given, calls):
    def fit(extra):
        calls.append(dict(extra))
        rows = [*given.tolist(), *extra]
        fitted = fit_baseline(vectors[rows], [*names[given], *extra.values()])
        return lambda glitches: fitted.probabilities(vectors[glitches])

    return fit


def test_the_most_confident_first_ties_by_row():
    probabilities = np.array([[0.6, 0.4], [0.1, 0.9], [0.9, 0.1], [0.5, 0.5]])
    rows, codes, sure = most_confident(probabilities, 3, by_class=False)
    assert rows.tolist() == [1, 2, 0]
    assert codes.tolist() == [1, 0, 0]
    assert sure.tolist() == [0.9, 0.9, 0.6]
    assert len(most_confident(probabilities, 10, by_class=False)[0]) == 4


def test_shares_of_each_predicted_class():
    """Six rows said to be of the first class, two of the second: half of them are the three and the one most confident of each."""
    sure = np.array([0.9, 0.95, 0.99, 0.8, 0.85, 0.7, 0.6, 0.55])
    probabilities = np.stack([sure, 1 - sure], axis=1)
    probabilities[6:] = probabilities[6:, ::-1]
    rows, codes, _ = most_confident(probabilities, 4, by_class=True)
    assert sorted(rows.tolist()) == [0, 1, 2, 6]
    assert codes[rows == 6] == 1
    assert sorted(most_confident(probabilities, 4, by_class=False)[0].tolist()) == [0, 1, 2, 4]
    assert sorted(most_confident(probabilities, 8, by_class=True)[0].tolist()) == list(range(8))


def clouds(seed=0, dimension=40):
    """Round clouds far apart in many dimensions, four glitches of each labelled: their means are poor, those of hundreds are not."""
    rng = np.random.default_rng(seed)
    codes = np.arange(1000) % 3
    points = 2.6 * np.eye(3, dimension)[codes] + rng.normal(size=(1000, dimension))
    return points, np.array(["a", "b", "c"])[codes], np.arange(12), np.arange(12, 600), np.arange(600, 1000)


def nearest_mean(points, names, given, calls):
    def fit(extra):
        calls.append(dict(extra))
        rows = np.array([*given.tolist(), *extra])
        labels = np.array([*names[given], *extra.values()])
        means = np.stack([points[rows[labels == name]].mean(axis=0) for name in ("a", "b", "c")])

        def classify(glitches):
            logits = -0.5 * ((points[glitches][:, None] - means[None]) ** 2).sum(axis=2)
            powers = np.exp(logits - logits.max(axis=1, keepdims=True))
            return powers / powers.sum(axis=1, keepdims=True)

        return classify

    return fit


def test_rounds_add_what_they_say_and_gain_on_held_out_glitches():
    points, names, given, pool, held = clouds()
    truth = dict(zip(pool.tolist(), names[pool], strict=True))
    calls, reported = [], []
    rounds, labels, confidence = run_rounds(
        nearest_mean(points, names, given, calls), pool, [60, 150, 300, 450, 580], ["a", "b", "c"],
        judged=(held, names[held]), truth=truth, report_round=reported.append,
    )  # fmt: skip
    assert [item.added for item in rounds] == [0, 60, 150, 300, 450, 580]
    assert calls == labels
    assert reported == rounds
    assert set(labels[3]) <= set(pool.tolist())
    for item, pseudo in zip(rounds, labels, strict=True):
        assert item.pure == sum(truth[glitch] == name for glitch, name in pseudo.items())
        assert item.known == len(pseudo)
    for item, pseudo, sure in zip(rounds[1:], labels[1:], confidence[1:], strict=True):
        assert sure.keys() == pseudo.keys()
        assert min(sure.values()) == item.least
    assert rounds[1].purity > 0.95
    assert np.isnan(rounds[0].purity)
    assert rounds[-1].accuracy > rounds[0].accuracy + 0.05
    assert rounds[2].interval[0] < rounds[2].accuracy < rounds[2].interval[1]


def test_shares_of_each_class_keep_a_hard_class_alive():
    """The reason of the default: on clouds of unlike sizes the most confident of all are of one class."""
    vectors, names, given, pool, held = world()
    found = {}
    for by_class in (False, True):
        rounds, *_ = run_rounds(
            trainer(vectors, names, given, []), pool, [50, 200, 500], ["a", "b", "c"],
            judged=(held, names[held]), by_class=by_class,
        )  # fmt: skip
        found[by_class] = rounds[-1].accuracy
    assert found[True] > found[False] + 0.1


def test_a_blind_model_gains_nothing():
    """The control: pseudo-labels of a model that knows nothing are as impure as chance."""
    vectors, names, given, pool, held = world()
    blind = np.random.default_rng(1).permutation(names)
    truth = dict(zip(pool.tolist(), names[pool], strict=True))
    rounds, *_ = run_rounds(
        trainer(vectors, blind, given, []), pool, [300], ["a", "b", "c"], judged=(held, names[held]), truth=truth
    )
    assert rounds[1].purity < 0.6
    assert rounds[1].accuracy < 0.6


@pytest.mark.parametrize("counts", [[], [0], [5, 5], [9, 4], [601]])
def test_counts_that_do_not_ascend_within_the_pool(counts):
    vectors, names, given, pool, held = world()
    with pytest.raises(InputError, match="ascending numbers from 1 to 600"):
        run_rounds(trainer(vectors, names, given, []), pool, counts, "abc", judged=(held, names[held]))


def test_judged_glitches_are_never_trained_on():
    vectors, names, given, pool, _ = world()
    with pytest.raises(InputError, match="none of them among the unlabelled ones"):
        run_rounds(trainer(vectors, names, given, []), pool, [5], "abc", judged=(pool[:3], names[pool[:3]]))


@pytest.mark.parametrize("kind", ["grouped", "time", "sample-type"])
def test_pseudo_labels_have_no_say_in_the_split(kind):
    """An unlabelled trigger between two labelled ones links them; the deal of everybody else must not change."""
    rng = np.random.default_rng(1)
    times = np.sort(rng.uniform(0, 1e6, 200))
    times[11] = times[10] + 0.8
    labels = rng.choice(["A", "B"], 200).tolist()
    types = rng.choice(["train", "validation", "test"], 200).tolist()

    def labelled(count):
        return Labelled(
            np.arange(1, count + 1),
            tuple(f"g{number}" for number in range(count)),
            (*labels, labels[10])[:count],
            ("H1",) * count,
            (*types, "")[:count],
            np.append(times, times[10] + 0.4)[:count],
            tuple(number.to_bytes(2, "big") for number in range(count)),
            (),
        )

    alone, more = labelled(200), labelled(201)
    groups = find_groups(alone)
    before = make_training_set(alone, choose_kind(alone, kind), groups, seed=0)
    after = make_training_set(more, choose_kind(alone, kind), groups, seed=0, always_train=[201])
    np.testing.assert_array_equal(after.split.part[:200], before.split.part)
    assert after.split.part[200] == TRAIN


def test_the_page_says_the_figures_and_when_the_gain_may_be_chance():
    rounds = [
        Round(0, 200, 180, 0, 0, float("nan")),
        Round(100, 200, 184, 100, 97, 0.99),
        Round(300, 200, 182, 300, 270, 0.8),
    ]
    text = recursion_html(rounds, ["<b>m", "m-100", "m-300"], title="<script>", asked={"x": "<i>"}, command="a & b")
    assert "The given labels alone are right on <b>90.00&nbsp;%</b> of 200 held-out glitches" in text
    assert "of <b>100</b> pseudo-labels, on <b>92.00&nbsp;%</b>" in text
    assert "the gain may be chance" in text
    assert "97.00 % of 100" in text
    assert "<script" not in text
    assert "&lt;b&gt;m" in text
    assert len(re.findall(r'<circle class="dot s0"', text)) == 3
    assert len(re.findall(r'<circle class="dot s1"', text)) == 2
    clear = [Round(0, 2000, 1600, 0, 0, float("nan")), Round(100, 2000, 1900, 0, 0, 0.99)]
    assert "chance" not in recursion_html(clear, ["m", "m-100"], title="t", asked={})


def test_the_best_round_that_added_something():
    nothing = Round(0, 100, 99, 0, 0, float("nan"))
    rounds = [nothing, Round(5, 100, 80, 0, 0, 0.9), Round(9, 100, 85, 0, 0, 0.8), Round(20, 100, 85, 0, 0, 0.7)]
    assert best_addition(rounds) == 2
    added = Additions("m-9", 9, [AddedClass("a_b", 9, [])], 3, plain=True, seconds=0.0)
    text = recursion_html(rounds, ["m"] * 4, title="t", asked={}, additions=added)
    assert "9 pictures added" in text
    assert "3 more classes, to which fewer were added." in text
    assert "What was added" not in recursion_html(rounds, ["m"] * 4, title="t", asked={})


def test_a_confidence_near_1_is_not_called_1():
    rounds = [Round(0, 100, 80, 0, 0, float("nan")), *(Round(5, 100, 80, 0, 0, least) for least in (0.87654, 1 - 2e-6))]
    text = recursion_html(rounds, ["m", "m-5", "m-9"], title="t", asked={})
    assert '<td class="number">0.8765</td>' in text
    assert '<td class="number">over 0.99995</td>' in text


def test_pictures_from_the_most_to_the_least_confident():
    sure = {row: 1 - row / 100 for row in range(40)}
    rows = _spread(list(range(40))[::-1], sure)
    assert (rows[0], rows[-1], len(rows)) == (0, 39, SHOWN)
    assert rows == sorted(rows)
    assert _spread([7, 3], sure) == [3, 7]


def test_the_page_says_what_is_none_of_the_classes():
    hidden = HiddenClasses(
        tuple(HiddenClass(name, 20, far, name == "a") for name, far in [("a", 2), ("b", 15), ("c", 20)])
    )
    far = np.array([True] * 3 + [False] * 7)
    abstention = Abstention(far, np.full(10, 0.5), 200, 0.01, hidden)
    rounds = [Round(0, 200, 180, 0, 0, float("nan"))]
    text = (
        recursion_html(rounds, ["m"], title="t", asked={}, abstention=abstention)
        .replace("&nbsp;", " ")
        .replace("\xa0", " ")
    )
    assert (
        "3 glitches are farther from every class than all but 1.0 % of 200 held-out ones, and are not learnt from."
        in text
    )
    assert "It finds 62 % (" in text
    assert "fewest: a 10 %, b 75 %)" in text
    assert re.search(
        r'a \(with training glitches\)</th><td class="number">20</td><td class="number">2</td><td class="number">10 %',
        text,
    )


def stop_at(epochs):
    def report(_):
        nonlocal epochs
        epochs -= 1
        if epochs == 0:
            raise KeyboardInterrupt

    return report


def test_the_whole_on_a_small_study(tmp_path, tiny):
    """A tiny network, an epoch a round: the bookkeeping, not the accuracy."""
    from support.gallery import draw_levels, make_gallery, png, published, view_name, write

    from embed import Study, ingest_folder
    from embed.training.options import TrainingOptions
    from embed.training.selftraining import recursive_training

    make_gallery(tmp_path / "data", {"Blip": 12, "Power_Line": 12})
    rng = np.random.default_rng(7)
    for number in range(10):
        write(tmp_path / "free" / view_name(f"free{number}", 4.0), png(published(draw_levels(rng, number % 2))))
    with Study(tmp_path / "study", create=True) as study:
        with study.run("ingest"):
            ingest_folder(study, tmp_path / "data")
            ingest_folder(study, tmp_path / "free")
        table = study.glitches()
        free = table[table["label"] == ""]
        truth = {
            glitch: ("Blip", "Power_Line")[int(name[-1]) % 2]
            for glitch, name in zip(free.index, free["id"], strict=True)
        }
        request = TrainingOptions("r", backbone=tiny["backbone"], weights=tiny["weights"], split="random", device="cpu")
        result = recursive_training(study, request, [4, 8], changes={"epochs": 1, "batch": 8}, truth=truth)
        assert [model.name for model in result.models] == ["r", "r-4", "r-8"]
        assert [item.added for item in result.rounds] == [0, 4, 8]
        assert [item.known for item in result.rounds] == [0, 4, 8]
        assert (result.pool, result.left_out) == (10, 0)
        tests = [{name for name, part in model.parts.items() if part == "test"} for model in result.models]
        assert tests[0] == tests[1] == tests[2]
        chosen = {free.loc[glitch, "id"] for glitch in result.labels[2]}
        assert {name for name in chosen if result.models[2].parts.get(name) == "train"} == chosen
        assert (study.glitches().loc[free.index, "label"] == "").all()  # pseudo-labels are no label events
        # Stopped in its second round, it goes on there: finished models stay, and the answer is the same.
        kept = {model.name: (model.folder / "weights.safetensors").read_bytes() for model in result.models}
        for name in ("r-4", "r-8"):
            shutil.rmtree(study.folder / "models" / name)
        before = (study.folder / "models" / "r" / "weights.safetensors").stat().st_mtime_ns
        with pytest.raises(KeyboardInterrupt):
            recursive_training(
                study, replace(request, resume=True), [4, 8], changes={"epochs": 1, "batch": 8}, report=stop_at(1)
            )
        again = recursive_training(
            study, replace(request, resume=True), [4, 8], changes={"epochs": 1, "batch": 8}, truth=truth
        )
        assert repr(again.rounds) == repr(result.rounds)  # with its NaN
        assert {model.name: (model.folder / "weights.safetensors").read_bytes() for model in again.models} == kept
        assert (study.folder / "models" / "r" / "weights.safetensors").stat().st_mtime_ns == before
        added = load_additions(study, result)
        files = write_recursion(result, table["id"].to_dict(), tmp_path / "out", title="t", asked={}, additions=added)
    lines = files["pseudo-labels.csv"].read_text().splitlines()
    assert len(lines) == 1 + 4 + 8
    assert lines[1].split(",")[1].startswith("H1_free")
    assert float(lines[1].split(",")[3]) == result.confidence[1][min(result.labels[1])]
    check_page(files["recursion.html"].read_text(), added)


def check_page(page, added):
    """The page of a study whose pictures are all there."""
    shown = [item for one in added.classes for item in one.shown]
    assert sum(one.count for one in added.classes) == added.count
    assert [one.count for one in added.classes] == sorted((one.count for one in added.classes), reverse=True)
    assert all(len(one.shown) == min(one.count, SHOWN) for one in added.classes)
    assert page.count('src="data:image/png') == len(shown)
    assert all(f"<b>{item.probability}</b> <code>{item.id}</code>" in page for item in shown)
    for one in added.classes:
        assert f"<small>{one.count} glitch{'es' if one.count > 1 else ''} added</small>" in page
    assert re.search(r"Not asked, the study holds too few held-out glitches to compare with: \d", page)


def test_what_is_one_with_held_out_glitches_is_not_learnt_from(tmp_path, tiny):
    """Triggers are placed in time: one unlabelled between two labelled ones, and one beside each held-out glitch."""
    from support.gallery import draw_levels, make_gallery, png, published, view_name, write

    from embed import Study, ingest_folder
    from embed.ingest.tables import ingest_table
    from embed.training.options import TrainingOptions
    from embed.training.selftraining import recursive_training
    from embed.training.trainer import train

    ids = make_gallery(tmp_path / "data", {"Blip": 12, "Power_Line": 12})
    rng = np.random.default_rng(7)
    for number in range(12):
        write(tmp_path / "free" / view_name(f"free{number:02d}", 4.0), png(published(draw_levels(rng, number % 2))))
    request = TrainingOptions("r", backbone=tiny["backbone"], weights=tiny["weights"], split="grouped", device="cpu")
    with Study(tmp_path / "study", create=True) as study:
        with study.run("ingest"):
            ingest_folder(study, tmp_path / "data")
            ingest_folder(study, tmp_path / "free")
        parts = train(study, replace(request, name="peek"), changes={"epochs": 1, "batch": 8}).model.parts
        seconds = {name: 1000.0 * place for place, name in enumerate(ids)}
        held = [name for name in ids if parts[name] != "train"]
        free = [f"H1_free{number:02d}" for number in range(12)]
        seconds |= {name: seconds[other] + 0.3 for name, other in zip(free, held, strict=False)}
        seconds |= {name: 1e6 + 1000.0 * place for place, name in enumerate(free[len(held) :])}
        first, second = (name for name in ids[:3] if parts[name] == "train" and name != ids[2])
        seconds[second], seconds[free[-1]] = seconds[first] + 0.8, seconds[first] + 0.4
        lines = [f"{name.removeprefix('H1_')},H1,{time:.3f}" for name, time in seconds.items()]
        table = tmp_path / "metadata.csv"
        table.write_text("\n".join(["gravityspy_id,ifo,event_time", *lines]) + "\n")
        with study.run("ingest"):
            ingest_table(study, table)
        result = recursive_training(study, request, [len(free) - len(held)], changes={"epochs": 1, "batch": 8})
        assert (result.pool, result.left_out) == (len(free) - len(held), len(held))
        names = study.glitches()["id"]
        assert {names[glitch] for glitch in result.labels[1]} == set(free[len(held) :])
        one, two = (model.parts for model in result.models)
        assert {name: two[name] for name in one} == one
        # Refused before any training, not after it.
        for asked, message in (([5, 13], "from 1 to 12"), ([4], "there is a model 'r-4' already")):
            with pytest.raises(InputError, match=message):
                recursive_training(study, request, asked, report=pytest.fail)
