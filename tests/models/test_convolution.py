"""Our convolution against torch's own."""

import pytest
import torch
from torch import nn
from torch.autograd import gradcheck

from roadseg.models.convolution import Conv2d, scaled_convolution


@pytest.mark.parametrize("dilation", [1, 2, 3])
@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("size", [(12, 18), (7, 10), (1, 2)], ids=str)
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last], ids=str)
def test_gradients_of_a_dilated_depthwise_convolution_are_those_of_torch(
    dilation: int, kernel: int, size: tuple[int, int], memory_format: torch.memory_format
) -> None:
    torch.manual_seed(0)
    padding = kernel // 2 * dilation
    ours = Conv2d(6, 6, kernel, padding=padding, dilation=dilation, groups=6).to(memory_format=memory_format)
    theirs = nn.Conv2d(6, 6, kernel, padding=padding, dilation=dilation, groups=6)
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(2, 6, *size).to(memory_format=memory_format)
    wanted = torch.randn(2, 6, *size)
    gradients = []
    for layer in (ours, theirs):
        image = x.clone().requires_grad_()
        (layer(image) * wanted).sum().backward()
        assert image.grad is not None
        gradients.append([image.grad, *(parameter.grad for parameter in layer.parameters())])
    for our, their in zip(*gradients, strict=True):
        assert our is not None
        assert their is not None
        torch.testing.assert_close(our, their, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("padding", "dilation"), [(1, 2), (2, 2), (4, 2), ((2, 3), (2, 3)), (3, 1)], ids=str
)  # fmt: skip
def test_gradients_with_scale_and_offset_for_paddings_that_change_the_size(
    padding: int | tuple[int, int], dilation: int | tuple[int, int]
) -> None:
    layer = Conv2d(4, 4, 3, padding=padding, dilation=dilation, groups=4, bias=False).double()
    x = torch.randn(1, 4, 9, 8, dtype=torch.double, requires_grad=True)
    scale, offset = (torch.randn(4, dtype=torch.double, requires_grad=True) for _ in range(2))
    assert gradcheck(lambda *given: scaled_convolution(layer, *given), (x, scale, offset))
