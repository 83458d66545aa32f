"""Devices by the words of a command line, and their names in records. Light: torch is imported when it is asked."""

from inertialab.experiments.errors import WrongInputError


def chosen_device(word: str) -> str:
    """The device for auto, cpu or cuda, a name that torch knows.

    Raises:
        WrongInputError: If CUDA is asked for and not there.
    """
    if word == "cpu":
        return word
    import torch

    there = torch.cuda.is_available()
    if word == "cuda" and not there:
        raise WrongInputError("--device cuda: PyTorch finds no CUDA device here; use --device cpu or auto.")
    return "cuda" if there else "cpu"


def device_name(device: str) -> str:
    """`cpu`, or the name of the accelerator."""
    if device == "cpu":
        return device
    import torch

    return torch.cuda.get_device_name(device)
