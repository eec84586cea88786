"""`from_pretrained`, `save_pretrained` and `push_to_hub`, as users of the Hugging Face hub know them.

`rs2sam2.checkpoint`, which knows the model, does the work; it is imported where it is used. The base is not
`huggingface_hub.PyTorchModelHubMixin`, which takes no subfolder, reads no layout but its own and builds the whole model
before it reads the weights.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import torch
from torch import nn

if TYPE_CHECKING:
    from rs2sam2.model.rs2sam2 import RS2SAM2


class Pretrained(nn.Module):
    """Loading and saving of a model with its configuration."""

    @classmethod
    def from_pretrained(
        cls,
        weights: str | Path,
        *,
        revision: str | None = None,
        subfolder: str | None = None,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> RS2SAM2:
        """The model in `weights`: a folder or file of this package or in the released layout, or a hub id.

        It is in evaluation mode. Raises WeightsError for weights that are missing, unsafe or not exactly of this model: the
        bundled "nano" is of another family, which `Predictor.load` takes.
        """
        from rs2sam2.checkpoint.folder import load_model, locate, open_folder

        return load_model(open_folder(locate(weights, revision, subfolder)).plan, device, dtype)

    def save_pretrained(
        self, folder: str | Path, *, vocabulary: str | Path | None = None, dtype: torch.dtype | None = None
    ) -> None:
        """Write config.json, model.safetensors and, if given, the vocabulary. `dtype`: on disk; by default unchanged.

        Raises VocabularyError, before anything is written, where there is no such vocabulary.
        """
        from rs2sam2.checkpoint.folder import save_folder

        beside = None if vocabulary is None else Path(vocabulary)
        save_folder(cast("RS2SAM2", self), Path(folder), beside, dtype=dtype)

    def push_to_hub(
        self, repo_id: str, *, vocabulary: str | Path | None = None, private: bool = False, token: str | None = None
    ) -> str:
        """Save a folder, create the repository if needed, upload and return the address of the commit."""
        from tempfile import TemporaryDirectory

        from huggingface_hub import HfApi

        api = HfApi(token=token)
        with TemporaryDirectory() as folder:
            self.save_pretrained(folder, vocabulary=vocabulary)
            api.create_repo(repo_id, private=private, exist_ok=True)
            return str(api.upload_folder(repo_id=repo_id, folder_path=folder).commit_url)
