"""What is minimised: the model and its loss as one module, so that whatever spreads it over the ranks wraps both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from peft import PeftModel
from torch import Tensor, nn
from torch.nn import functional

from .attention import arguments
from .batches import Batch, lay_out, padded
from .loss import sliced_loss
from .model import DTYPES
from .refusal import RefusalError

if TYPE_CHECKING:
    from .data import Example
    from .recipe import Recipe
    from .world import World

# Two orders of the same sums differ by rounding; an example that sees another, or a layer left out, by far more.
TOLERANCE = {"float32": 1e-3, "bfloat16": 3e-2}


class Objective(nn.Module):  # type: ignore[misc]  # torch is not there where types are checked
    """A causal language model with its loss, computed in the recipe's type."""

    def __init__(self, model: Any, recipe: Recipe) -> None:
        """Wrap a model, with adapter or without."""
        super().__init__()
        self.model = model
        self.dtype = DTYPES[recipe.dtype]

    def forward(self, batch: Batch, logits: bool = False) -> Tensor:
        """Return the summed loss of a batch's answers, in float32; or the model's own logits where they are predicted.

        Both are one method because a sharded model gathers its weights when it is called, and only then.
        """
        device = batch.input_ids.device.type
        with torch.autocast(device, self.dtype, enabled=self.dtype != torch.float32):
            if logits:
                return self.model(**arguments(batch)).logits.flatten(0, 1)[batch.predicting].float()
            base = self.model.get_base_model() if isinstance(self.model, PeftModel) else self.model
            hidden = base.base_model(**arguments(batch)).last_hidden_state
            return sliced_loss(base.get_output_embeddings(), hidden.flatten(0, 1)[batch.predicting], batch.answers)


def _loss_alone(objective: Objective, row: Batch) -> float:
    """Return the loss of one row as the model itself has it."""
    return float(functional.cross_entropy(objective(row, logits=True), row.answers, reduction="sum"))


def check_loss(objective: Objective, examples: list[Example], pad_id: int, recipe: Recipe, world: World) -> None:
    """Compare the loss of two examples with what the model itself says of them one a row.

    It holds for models that are a trunk and an output layer and whose layers keep packed examples apart; all ranks
    have to call this together.

    Raises:
        RefusalError: the losses differ, so that training would minimise something else.
    """
    # The longest reaches past a sliding window, where there is one.
    by_length = sorted(examples, key=lambda example: len(example.input_ids))
    few = [by_length[0], by_length[-1]]
    training = objective.training
    objective.eval()
    with torch.no_grad():
        expected = sum(_loss_alone(objective, padded([one], pad_id).to(world.device)) for one in few)
        found = objective(lay_out(few, recipe, pad_id).to(world.device)).item()
    objective.train(training)
    if not abs(found - expected) <= TOLERANCE[recipe.dtype] * abs(expected):
        advice = "set packing: false" if recipe.packing else "this program does not know such a model"
        raise RefusalError(f"{recipe.model}: two rows have a loss of {found:.4g} instead of {expected:.4g}: {advice}")
