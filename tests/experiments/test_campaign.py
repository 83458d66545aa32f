"""Campaigns: images, networks, published settings, pieces that go on bit for bit, and the command line."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from inertialab.experiments.__main__ import main
from inertialab.experiments.campaign import command, training
from inertialab.experiments.campaign.images import Images, load_images
from inertialab.experiments.campaign.inertia import EDGES, inertia
from inertialab.experiments.campaign.networks import NETWORKS, network
from inertialab.experiments.campaign.options import Campaign
from inertialab.experiments.campaign.published import SETTINGS, factor
from inertialab.experiments.campaign.training import Training, published
from inertialab.experiments.data import DATA_VARIABLE, DataMissingError
from inertialab.experiments.store import read_json
from inertialab.optim import Adai

CPU = torch.device("cpu")


def asked(**options) -> Campaign:
    return Campaign(
        **{"data": "digits", "model": "small", "optimizer": "adam", "epochs": 3, "fraction": 0.2, **options}
    )


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A data folder with eight images of one colour each, encoded as the hub has them."""
    import pandas

    def encoded(shade):
        file = io.BytesIO()
        Image.fromarray(np.full((32, 32, 3), (shade, 2 * shade, 0), dtype=np.uint8)).save(file, "PNG")
        return file.getvalue()

    for part in ("train", "test"):
        rows = {"img": [{"bytes": encoded(10 * i), "path": ""} for i in range(8)], "label": list(range(8))}
        pandas.DataFrame(rows).to_parquet(tmp_path / f"cifar10-{part}.parquet")
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
    return tmp_path


def test_images_of_the_hub_are_read_by_channel_and_in_order(hub):
    images = load_images("cifar10", 0.5)
    pixels, labels = images.train
    assert pixels.shape == (4, 3, 32, 32)
    assert pixels.dtype == torch.uint8
    assert labels.tolist() == [0, 1, 2, 3]
    assert pixels[3, 0].unique().tolist() == [30]
    assert pixels[3, 1].unique().tolist() == [60]
    assert pixels[3, 2].unique().tolist() == [0]


@pytest.mark.parametrize("content", [b"no parquet", None])
def test_a_file_that_is_none_and_one_that_is_not_there_are_named(hub, content):
    file = hub / "cifar10-test.parquet"
    file.unlink() if content is None else file.write_bytes(content)
    with pytest.raises(DataMissingError, match=r"cifar10-test\.parquet is"):
        load_images("cifar10")


def test_the_train_and_test_digits_share_no_image():
    images = load_images("digits")
    train, test = ({tuple(x.flatten().tolist()) for x in part[0]} for part in (images.train, images.test))
    assert len(images.train[1]) + len(images.test[1]) == 1797
    assert not train & test


def test_every_shift_and_mirror_image_is_drawn_and_nothing_else():
    image = torch.arange(1, 10, dtype=torch.uint8).view(1, 1, 3, 3)
    part = image, torch.zeros(1, dtype=torch.int64)
    images = Images(part, part, 1, (0.0,), (1.0,), shift=1, mirrored=True)
    seen = images.augmented(image.expand(4000, 1, 3, 3), torch.Generator().manual_seed(0))
    padded = np.pad(image[0, 0].numpy(), 1)
    shifted = [padded[i : i + 3, j : j + 3] for i in range(3) for j in range(3)]
    wanted = {tuple(x.flatten()) for s in shifted for x in (s, s[:, ::-1])}
    counts: dict[tuple[int, ...], int] = {}
    for x in seen.flatten(1).tolist():
        counts[tuple(x)] = counts.get(tuple(x), 0) + 1
    assert set(counts) == wanted
    # 18 outcomes of 4000 draws: 222 each, standard deviation 14.5.
    assert max(abs(n - 4000 / 18) for n in counts.values()) < 5 * 14.5


@pytest.mark.parametrize("name", NETWORKS)
def test_weights_come_from_the_generator_alone(name):
    def weights(seed):
        model = network(name, 3, 10, torch.Generator().manual_seed(seed))
        return torch.cat([p.detach().flatten() for p in model.parameters()])

    before = torch.get_rng_state()
    first = weights(0)
    torch.manual_seed(5)
    assert torch.equal(first, weights(0))
    assert not torch.equal(first, weights(1))
    torch.set_rng_state(before)


def test_resnet18_has_the_parameters_that_it_is_known_for():
    model = network("resnet18", 3, 10, torch.Generator())
    assert sum(p.numel() for p in model.parameters()) == 11_173_962
    assert model(torch.zeros(2, 3, 32, 32)).shape == (2, 10)


def test_the_rate_falls_after_80_and_160_of_200_epochs():
    assert [factor(epoch, 200) for epoch in (0, 79)] == [1, 1]
    assert [factor(epoch, 200) for epoch in (80, 159)] == pytest.approx([0.1, 0.1])
    assert factor(160, 200) == pytest.approx(0.01)


@pytest.mark.parametrize("word", SETTINGS)
def test_all_parameters_decay_and_decoupling_is_that_of_the_word(word):
    setting = replace(SETTINGS[word], weight_decay=0.1 / SETTINGS[word].eta)
    model = network("small", 1, 10, torch.Generator().manual_seed(0))
    optimizer = setting.optimizer(model)
    assert sum(len(g["params"]) for g in optimizer.param_groups) == len(list(model.parameters()))
    start = [p.detach().clone() for p in model.parameters()]
    for p in model.parameters():
        p.grad = torch.zeros_like(p)
    for _ in range(2):  # after one a penalty looks decoupled to Adai and momentum
        optimizer.step()
    for p, before in zip(model.parameters(), start, strict=True):
        shrunk = torch.allclose(p, before * 0.81, rtol=1e-6)
        assert shrunk == (word in ("adaiw", "adamw"))


def test_a_training_that_goes_on_is_the_one_that_did_not_stop(tmp_path):
    whole = Training(asked(), published(asked()), CPU)
    for _ in range(3):
        whole.epoch(lambda _: None)
    first = Training(asked(), published(asked()), CPU)
    first.epoch(lambda _: None)
    first.save(tmp_path / "kept.pt", "key")
    second = Training(asked(), published(asked()), CPU)
    assert not second.resume(tmp_path / "kept.pt", "of another training")
    assert second.resume(tmp_path / "kept.pt", "key")
    for _ in range(2):
        second.epoch(lambda _: None)
    for p, q in zip(whole.model.parameters(), second.model.parameters(), strict=True):
        assert torch.equal(p, q)
    assert [e["train loss"] for e in whole.history] == [e["train loss"] for e in second.history]


@pytest.mark.parametrize("content", [b"", b"broken", None])
def test_a_broken_file_of_an_earlier_piece_is_not_gone_on_from(tmp_path, content):
    path = tmp_path / "kept.pt"
    if content is not None:
        path.write_bytes(content)
    assert not Training(asked(), published(asked()), CPU).resume(path, "key")


def test_the_inertia_is_that_of_adais_next_step():
    parameter = torch.nn.Parameter(torch.zeros(4, dtype=torch.float64))
    optimizer = Adai([parameter], lr=0.1, betas=(0.1, 0.99))
    parameter.grad = torch.tensor([1.0, 2.0, 20.0, 0.0], dtype=torch.float64)
    optimizer.step()
    found = inertia(optimizer)["inertia"]
    v = parameter.grad.square()
    beta1 = (1 - 0.1 * v / v.mean()).clamp(0, 1 - 1e-3)
    assert found["mean"] == pytest.approx(float(beta1.mean()))
    assert found["at the bound"] == 0.25 + 0.25  # the coordinate without gradient, and the first: 0.1·4/405 < 1e-3
    assert sum(found["counts"]) == 4
    assert len(found["edges"]) == len(EDGES)
    # What it says is what the optimizer does: the average m is a share β₁ of itself.
    before = optimizer.state[parameter]["exp_avg"].clone()
    parameter.grad = parameter.grad.clone()
    optimizer.step()
    after = optimizer.state[parameter]["exp_avg"]
    assert torch.allclose(after, beta1 * before + (1 - beta1) * v.sqrt(), rtol=1e-9)


def test_other_optimizers_have_no_inertia():
    assert inertia(torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))])) == {}


def test_a_network_learns_digits(tmp_path, capsys):
    arguments = ["campaign", "digits", "--model", "small", "--optimizer", "momentum", "--epochs", "6"]
    assert main([*arguments, "--out", str(tmp_path)]) == 0
    (path,) = tmp_path.glob("*momentum-????????.json")
    result = json.loads(path.read_text())["result"]
    assert result["last"]["test error"] < 0.25
    assert result["best"]["test error"] == min(e["test error"] for e in result["epochs"])
    assert torch.load(path.with_suffix(".weights.pt"), weights_only=True)
    assert path.with_suffix(".svg").read_text().startswith("<?xml")
    assert not list(tmp_path.glob("*.running.json"))
    assert not path.with_suffix(".pt").exists()
    capsys.readouterr()
    before = path.read_bytes()
    assert main([*arguments, "--out", str(tmp_path)]) == 0  # taken, not made again
    assert path.read_bytes() == before
    assert "epoch 1 of 6" not in capsys.readouterr().out


def test_pieces_end_in_time_and_give_what_one_run_gives(tmp_path, capsys, monkeypatch):
    arguments = ["campaign", "digits", "--model", "small", "--epochs", "3", "--fraction", "0.1", "--optimizer", "adaiw"]
    arguments += ["--device", "cpu"]  # bit for bit
    assert main([*arguments, "--out", str(tmp_path / "one")]) == 0
    clock = iter(range(0, 10_000, 30))  # half a minute between two looks
    monkeypatch.setattr(command.time, "monotonic", lambda: next(clock))
    calls = 0
    while not list((tmp_path / "pieces").glob("*adaiw-????????.json")):
        assert main([*arguments, "--minutes", "0.4", "--out", str(tmp_path / "pieces")]) == 0
        calls += 1
    assert calls == 3
    assert "1 of 3 epochs are done. The same command goes on." in capsys.readouterr().out
    one, pieces = (
        read_json(next((tmp_path / folder).glob("*adaiw-????????.json")))["result"] for folder in ("one", "pieces")
    )
    assert one["weights"]["sha256"] == pieces["weights"]["sha256"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"epochs": 0}, "--epochs"),
        ({"eta": float("nan")}, "--eta"),
        ({"batch": -1}, "--batch"),
        ({"minutes": 0.0}, "--minutes"),
        ({"weight_decay": -1.0}, "--weight-decay"),
        ({"fraction": 1.5}, "--fraction"),
        ({"seed": -1}, "--seed"),
    ],
)
def test_what_is_wrong_is_named(options, sentence):
    with pytest.raises(Exception, match=sentence):
        asked(**options).check()


def test_wrong_words_end_with_a_sentence_and_code_2(tmp_path, capsys):
    out = ["--out", str(tmp_path), "--model", "small"]
    assert main(["campaign", "digits", "--fraction", "0.0001", *out]) == 2
    assert "no image is left" in capsys.readouterr().err
    if not torch.cuda.is_available():
        assert main(["campaign", "digits", "--device", "cuda", *out]) == 2
        assert "no CUDA device" in capsys.readouterr().err
    assert main(["campaign", "digits", "--epochs", "2", "--optimizer", "momentum", "--eta", "1e6", *out]) == 2
    assert "smaller --eta" in capsys.readouterr().err
    assert not list(tmp_path.glob("*.json"))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_training_on_cuda_goes_on_bit_for_bit(tmp_path):
    def trained(pieces):
        found = Training(asked(optimizer="adai"), published(asked(optimizer="adai")), torch.device("cuda"))
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True):
            for _ in range(pieces):
                found.epoch(lambda _: None)
        return found

    whole, first = trained(2), trained(1)
    first.save(tmp_path / "kept.pt", "key")
    second = trained(0)
    assert second.resume(tmp_path / "kept.pt", "key")
    second.epoch(lambda _: None)
    assert whole.history[-1]["train loss"] == pytest.approx(second.history[-1]["train loss"], rel=1e-4)


def test_the_images_of_a_training_are_augmented(monkeypatch):
    seen = []
    monkeypatch.setattr(Images, "augmented", lambda self, x, _: seen.append(len(x)) or x)
    run = Training(asked(batch=100), published(asked()), CPU)
    run.epoch(lambda _: None)
    assert sum(seen) == len(run.images.train[1])
    assert len(seen) == run.batches
    assert training.EVALUATED == 1000
