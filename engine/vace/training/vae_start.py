"""A start for the VAE in closed form: a linear codec, fitted layer by layer, that training then bends.

From random weights a VAE this small spends most of its minutes on finding out that a picture is made of blocks. Here
all residual branches begin at zero, the time convolutions are Haar (mean and difference of two frames), and each
spatial convolution is fitted by ridge regression to the principal components of blocks: 2x2, 4x4, 8x8 pixels on the
way in, the same on the way out. Both heads normalise by the length of the channel vector; one large constant channel
makes that length nearly the same everywhere, so that the head is nearly linear too.

A clip begins with a frame of its own, which passes by all time convolutions. So a component must lie in the same
channel before and after each of them, and differences in channels that are zero for that first frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from diffusers import AutoencoderKLWan
    from torch import Tensor

_RIDGE = 1e-4
_CONSTANT = 4.0
"""The constant channel of a head, against components of around 0.3."""
_HEAD_GAIN = 0.5
"""Keeps a head's inputs where SiLU is nearly straight."""
_IDLE_GAIN = 0.3
"""Channels that the fit has no use for keep this share of their random weights, for training to find a use."""


def fit_start(vae: AutoencoderKLWan, clips: Tensor) -> None:
    """Sets the weights in place. ``clips``: (n, 3, 5, H, W) in [-1, 1], some dozens; H and W multiples of 8."""
    import torch

    with torch.no_grad():
        _silence_residuals(vae)
        groups = _Groups(clips[:, :, :1], clips[:, :, 1:])
        latents = _fit_encoder(vae, groups)
        _fit_decoder(vae, groups, latents)


@dataclass(frozen=True)
class _Groups:
    """Features of the frames that one latent encodes: of the first frame, (n, C, 1, h, w), and of groups of four."""

    first: Tensor
    group: Tensor

    def pictures(self) -> Tensor:
        """All of them as pictures, (n * frames, C, h, w)."""
        import torch

        return torch.cat([_pictures(self.first), _pictures(self.group)])

    def each(self, layer: Any) -> _Groups:
        """Through a layer that works on pictures."""
        return _Groups(*(_clip(layer(_pictures(part)), part.shape[2]) for part in (self.first, self.group)))

    def time_merged(self, layer: Any) -> _Groups:
        """Through a time convolution that halves; it sees one frame of the past, whose weights are zero here."""
        import torch

        return _Groups(self.first, layer(torch.cat([self.group[:, :, :1], self.group], dim=2)))

    def time_split(self, layer: Any) -> _Groups:
        """Through a time convolution that doubles."""
        import torch

        n, _, frames, height, width = self.group.shape
        both = layer(self.group).reshape(n, 2, -1, frames, height, width)
        return _Groups(self.first, torch.stack([both[:, 0], both[:, 1]], 3).reshape(n, -1, 2 * frames, height, width))


def _pictures(clips: Tensor) -> Tensor:
    return clips.transpose(1, 2).flatten(0, 1)


def _clip(pictures: Tensor, frames: int) -> Tensor:
    return pictures.unflatten(0, (-1, frames)).transpose(1, 2)


def _silence_residuals(vae: AutoencoderKLWan) -> None:
    halves = (vae.encoder, vae.decoder)
    blocks = [vae.encoder.mid_block, vae.decoder.mid_block, *vae.decoder.up_blocks]
    silenced = [resnet.conv2 for block in blocks for resnet in block.resnets]
    silenced += [attention.proj for half in halves for attention in half.mid_block.attentions]
    for layer in silenced:
        layer.weight.zero_()
        layer.bias.zero_()


# --- Block components -------------------------------------------------------------------------------------------


def _components(clips: Tensor, side: int, count: int) -> Tensor:
    """The first principal components of blocks of side x side pixels, (3 * side**2, count)."""
    import torch

    blocks = torch.nn.functional.pixel_unshuffle(_pictures(clips), side).transpose(0, 1).flatten(1)
    _, vectors = torch.linalg.eigh(blocks @ blocks.T)
    return vectors.flip(1)[:, :count] / (3 * side**2) ** 0.5


def _projected(groups: _Groups, side: int, basis: Tensor) -> _Groups:
    """What each block has of each component: (n, count, frames, H / side, W / side)."""
    import torch

    def project(pictures: Tensor) -> Tensor:
        return torch.einsum("nchw,ck->nkhw", torch.nn.functional.pixel_unshuffle(pictures, side), basis)

    return groups.each(project)


def _haar(clips: Tensor) -> tuple[Tensor, Tensor]:
    """Means and half differences of frames two by two."""
    earlier, later = clips[:, :, 0::2], clips[:, :, 1::2]
    return (earlier + later) / 2, (later - earlier) / 2


def _strongest(steady: Tensor, changing: Tensor, count: int) -> list[int]:
    """Which channels of [steady, changing] have most energy; ``count`` of them, the steady ones first."""
    import torch

    energy = torch.cat([steady, changing], dim=1).square().mean(dim=(0, 2, 3, 4))
    chosen = energy.topk(count).indices.tolist()
    return sorted(chosen)


def _padded(steady: Tensor, changing: Tensor) -> Tensor:
    """The first frame's channels with zeros where others have differences."""
    import torch

    zeros = torch.zeros_like(steady[:, :1]).repeat(1, changing.shape[1], 1, 1, 1)
    return torch.cat([steady, zeros], dim=1)


# --- Encoder ----------------------------------------------------------------------------------------------------


def _fit_encoder(vae: AutoencoderKLWan, groups: _Groups) -> _Groups:
    """Fits the encoder; what its latents should be, (n, 16, 1, h, w), each of unit variance."""
    encoder, base = vae.encoder, vae.config.base_dim
    _embed(encoder.conv_in, 3)
    features = _Groups(*(encoder.conv_in(part) for part in (groups.first, groups.group)))
    halving, quarters, eighths = encoder.down_blocks
    features = _fit_spatial(halving.resample, features, _projected(groups, 2, _identity(groups, 12)))

    half = base // 2
    quarter = _projected(groups, 4, _components(groups.group, 4, half))
    features = _fit_spatial(quarters.resample, features, _with_zeros(quarter, base))
    _set_haar_merge(quarters.time_conv, kept=half, differenced=range(half), at=half)
    features = features.time_merged(quarters.time_conv)

    steady, changing = base * 28 // 48, base * 10 // 48
    basis = _components(groups.group, 8, steady)
    eighth = _projected(groups, 8, basis)
    mean, difference = _haar(eighth.group)
    target = _Groups(_padded(eighth.first, difference[:, :changing]), _joined(mean, difference[:, :changing]))
    features = _fit_spatial(eighths.resample, features, _with_zeros(target, base), constant=True)
    slow = base - 1 - steady - changing
    _set_haar_merge(eighths.time_conv, kept=steady + changing, differenced=range(slow), at=steady + changing)
    _pass_constant(eighths.time_conv)
    features = features.time_merged(eighths.time_conv)

    slow_mean, slow_difference = _haar(mean)
    fast_mean, _ = _haar(difference)
    latents = _latents(eighth.first, slow_mean, _joined(slow_difference, fast_mean), vae.config.z_dim)
    _fit_head(encoder, features, latents)
    _set_identity(vae.quant_conv)
    return latents


def _latents(first: Tensor, steady: Tensor, changing: Tensor, count: int) -> _Groups:
    chosen = _strongest(steady, changing, count)
    group = _joined(steady, changing)[:, chosen]
    deviation = group.std(dim=(0, 2, 3, 4), keepdim=True)
    return _Groups(_padded(first, changing)[:, chosen] / deviation, group / deviation)


def _identity(groups: _Groups, count: int) -> Tensor:
    import torch

    return torch.eye(count, dtype=groups.first.dtype)


def _joined(*parts: Tensor) -> Tensor:
    import torch

    return torch.cat(parts, dim=1)


def _with_zeros(target: _Groups, channels: int) -> _Groups:
    """Targets for all ``channels``: zeros where the fit has no use for one, so that time convolutions stay Haar."""
    import torch

    def padded(part: Tensor) -> Tensor:
        return torch.cat([part, part.new_zeros(part.shape[0], channels - part.shape[1], *part.shape[2:])], dim=1)

    return _Groups(padded(target.first), padded(target.group))


# --- Decoder ----------------------------------------------------------------------------------------------------


def _fit_decoder(vae: AutoencoderKLWan, groups: _Groups, latents: _Groups) -> None:
    decoder, base = vae.decoder, vae.decoder.dim
    half = base // 2
    _set_identity(vae.post_quant_conv)
    _embed(decoder.conv_in, vae.config.z_dim)
    features = _Groups(*(decoder.conv_in(part) for part in (latents.first, latents.group)))
    first, second, third, last = decoder.up_blocks

    eighth = _projected(groups, 8, _components(groups.group, 8, base))
    mean, difference = _haar(eighth.group)
    _fit_time(first.upsamplers[0].time_conv, features, mean, difference, vae.config.z_dim, eighth.first)
    features = features.time_split(first.upsamplers[0].time_conv)
    quarter = _projected(groups, 4, _components(groups.group, 4, base))
    mean, difference = _haar(quarter.group)
    chosen = _strongest(mean, difference, half)
    target = _Groups(_padded(quarter.first, difference)[:, chosen], _joined(mean, difference)[:, chosen])
    features = _fit_spatial(first.upsamplers[0].resample, features, target)

    features = _widened(second.resnets[0].conv_shortcut, features)
    _fit_frames(second.upsamplers[0].time_conv, features, quarter.group[:, :half])
    features = features.time_split(second.upsamplers[0].time_conv)
    target = _projected(groups, 2, _components(groups.group, 2, min(half, 12)))
    features = _fit_spatial(second.upsamplers[0].resample, features, target)

    features = _widened(third.resnets[0].conv_shortcut, features)
    features = _fit_spatial(third.upsamplers[0].resample, features, groups)
    features = _widened(last.resnets[0].conv_shortcut, features, constant=True)
    _fit_head(decoder, features, groups)


def _fit_time(
    layer: Any, features: _Groups, mean: Tensor, difference: Tensor, latent_count: int, first: Tensor
) -> None:
    """From latents to features of two pairs of frames, in the latents' channels where the first frame has its own.

    The latents' steady channels come first and each is one component; their scale is what the first frame shows.
    """
    import torch

    scales = features.first[:, :latent_count].std(dim=(0, 2, 3, 4))
    steady = int((scales > 1e-6).sum())
    ratio = scales[:steady] / first[:, :steady].std(dim=(0, 2, 3, 4)).clamp_min(1e-9)
    channels = layer.weight.shape[0] // 2
    rest = channels - steady
    target = torch.cat([mean[:, :steady] * ratio.view(1, -1, 1, 1, 1), difference[:, :rest]], dim=1)
    _fit_frames(layer, features, target)


def _fit_frames(layer: Any, features: _Groups, target: Tensor) -> None:
    """A time convolution that doubles: from one moment to two. ``target``: (n, K, twice the frames, h, w)."""
    channels, count = layer.weight.shape[0] // 2, target.shape[1]
    inputs = _pictures(features.group).transpose(0, 1).flatten(1)
    layer.weight[:, :, :2] *= _IDLE_GAIN
    for part in range(2):
        wanted = _pictures(target[:, :, part::2]).transpose(0, 1).flatten(1)
        weight, bias = _ridge(inputs, wanted)
        rows = slice(part * channels, part * channels + count)
        layer.weight[rows] = 0
        layer.weight[rows, :, 2, 0, 0] = weight
        layer.bias[rows] = bias


def _widened(shortcut: Any, features: _Groups, constant: bool = False) -> _Groups:
    """Through the 1x1x1 shortcut of a block that doubles the channels: the old ones first."""
    count = shortcut.weight.shape[1]
    shortcut.weight *= _IDLE_GAIN
    shortcut.weight[:count] = 0
    for channel in range(count):
        shortcut.weight[channel, channel] = 1
    shortcut.bias[:count] = 0
    if constant:
        shortcut.weight[-1] = 0
        shortcut.bias[-1] = _CONSTANT
    return _Groups(shortcut(features.first), shortcut(features.group))


# --- Layers -----------------------------------------------------------------------------------------------------


def _ridge(inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """(features, samples) and (outputs, samples) -> weights (outputs, features) and bias (outputs,)."""
    import torch

    samples = torch.cat([inputs, torch.ones_like(inputs[:1])]).double()
    gram = samples @ samples.T / samples.shape[1]
    gram += _RIDGE * gram.diagonal().mean() * torch.eye(len(gram), dtype=gram.dtype)
    solution = torch.linalg.solve(gram, samples @ targets.double().T / samples.shape[1]).T.to(targets.dtype)
    return solution[:, :-1], solution[:, -1]


def _fit_kernel(inputs: Tensor, targets: Tensor, stride: int) -> tuple[Tensor, Tensor]:
    """A 3x3 kernel (outputs, inputs, 3, 3) and bias, from pictures that are padded already to pictures."""
    import torch

    patches = torch.nn.functional.unfold(inputs, 3, stride=stride).transpose(0, 1).flatten(1)
    weight, bias = _ridge(patches, targets.transpose(0, 1).flatten(1))
    return weight.unflatten(1, (-1, 3, 3)), bias


def _fit_spatial(resample: Any, features: _Groups, target: _Groups, constant: bool = False) -> _Groups:
    """A resampling layer (padding or nearest-neighbour scaling, then a 3x3 convolution); its features afterwards."""
    import torch

    before, layer = resample
    inputs, targets = before(features.pictures()), target.pictures()
    padding, stride = layer.padding[0], layer.stride[0]
    inputs = torch.nn.functional.pad(inputs, [padding] * 4)
    weight, bias = _fit_kernel(inputs, targets, stride)
    layer.weight *= _IDLE_GAIN
    layer.weight[: len(weight)], layer.bias[: len(bias)] = weight, bias
    if constant:
        layer.weight[-1], layer.bias[-1] = 0, _CONSTANT
    return features.each(resample)


def _fit_head(half: Any, features: _Groups, target: _Groups) -> None:
    """The normalisation and the last convolution; the latter in its newest frame only."""
    import torch

    half.norm_out.gamma.fill_(_HEAD_GAIN)
    inputs = torch.cat([_pictures(half.nonlinearity(half.norm_out(part))) for part in (features.first, features.group)])
    weight, bias = _fit_kernel(torch.nn.functional.pad(inputs, [1] * 4), target.pictures(), 1)
    half.conv_out.weight.zero_()
    half.conv_out.bias.zero_()
    half.conv_out.weight[: len(weight), :, 2] = weight
    half.conv_out.bias[: len(bias)] = bias


def _embed(layer: Any, count: int) -> None:
    """A causal 3x3x3 convolution whose first channels are its input's."""
    layer.weight *= _IDLE_GAIN
    layer.weight[:count] = 0
    for channel in range(count):
        layer.weight[channel, channel, 2, 1, 1] = 1
    layer.bias[:count] = 0


def _set_identity(layer: Any) -> None:
    layer.weight.zero_()
    layer.bias.zero_()
    for channel in range(layer.weight.shape[0]):
        layer.weight[channel, channel] = 1


def _set_haar_merge(layer: Any, kept: int, differenced: range, at: int) -> None:
    """A time convolution that halves: means in the first channels, half differences of some from ``at`` on."""
    layer.weight.zero_()
    layer.bias.zero_()
    for channel in range(kept):
        layer.weight[channel, channel, 1:] = 0.5
    for offset, channel in enumerate(differenced):
        layer.weight[at + offset, channel, 1] = -0.5
        layer.weight[at + offset, channel, 2] = 0.5


def _pass_constant(layer: Any) -> None:
    layer.weight[-1] = 0
    layer.weight[-1, -1, 2] = 1
