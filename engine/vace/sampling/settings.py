"""What decides a clip besides its pictures."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.vace.sampling.conditioning import MaskTiming
from engine.vace.sampling.context_windows import ContextPlan
from engine.vace.sampling.solver import SolverName


@dataclass(frozen=True)
class SamplerSettings:
    """See the parameters of the ``vace`` effect."""

    steps: int = 20
    guidance_scale: float = 1.0
    seed: int = 0
    prompt: str = ""
    negative_prompt: str = ""
    solver: SolverName = "model"
    sigmas: tuple[float, ...] = ()
    flow_shift: float = 3.0
    conditioning_scale: float = 1.0
    layer_scales: tuple[float, ...] = ()
    mask_timing: MaskTiming = "group_max"
    context: ContextPlan = field(default=ContextPlan())
    free_noise: bool = True
    anchor_latent: bool = True

    @property
    def is_guided(self) -> bool:
        """Whether guidance changes anything: with the same prompt on both sides it computes one thing twice."""
        return self.guidance_scale > 1.0 and self.prompt.split() != self.negative_prompt.split()

    @property
    def step_count(self) -> int:
        """Denoising steps that are taken."""
        return len(self.sigmas) or self.steps
