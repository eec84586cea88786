from __future__ import annotations

import torch

from rs2sam2.train import rng


def test_sums_over_repeated_indices_come_in_one_order() -> None:
    """Many phrases about one image, large enough for several threads: without it, the last bits differ from call to call."""
    generator = torch.Generator().manual_seed(0)
    image = torch.randn(2, 16, 64, 64, generator=generator, requires_grad=True)
    weight = torch.randn(60, 16, 64, 64, generator=generator)
    index = torch.arange(60) % 2

    def gradient() -> torch.Tensor:
        (found,) = torch.autograd.grad((image[index] * weight).sum(), image)
        return found

    threads = torch.get_num_threads()
    torch.set_num_threads(4)
    try:
        with rng.in_fixed_order(torch.device("cpu")):
            first = gradient()
            assert all(torch.equal(gradient(), first) for _ in range(5))
    finally:
        torch.set_num_threads(threads)


def test_the_process_is_left_as_it_was() -> None:
    assert not torch.are_deterministic_algorithms_enabled()
    with rng.in_fixed_order(torch.device("cpu")):
        assert torch.are_deterministic_algorithms_enabled()
    assert not torch.are_deterministic_algorithms_enabled() and torch.utils.deterministic.fill_uninitialized_memory
