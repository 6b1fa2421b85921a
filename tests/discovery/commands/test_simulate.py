import torch
from support.terminal import error_of


def test_a_missing_gpu_is_one_clear_line(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    message = error_of(capsys, "simulate", "--n", 2, "--out", tmp_path / "new", "--device", "cuda")
    assert "no CUDA device is available; use --device cpu" in message
    assert not (tmp_path / "new").exists()
