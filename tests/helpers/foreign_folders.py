"""Folders of transformers with tiny networks of random weights."""

import json

import torch

SCALING = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225], "rescale_factor": 1 / 255}
NAMES = {0: "road", 1: "building", 2: "vegetation", 3: "sky"}


def segformer(folder, **options):
    """A SegFormer of two stages, at stride 4, for images of any size."""
    from transformers import SegformerConfig, SegformerForSemanticSegmentation

    config = SegformerConfig(
        num_encoder_blocks=2,
        depths=[1, 1],
        sr_ratios=[2, 1],
        hidden_sizes=[8, 16],
        patch_sizes=[7, 3],
        strides=[4, 2],
        num_attention_heads=[1, 2],
        mlp_ratios=[2, 2],
        decoder_hidden_size=16,
        id2label=NAMES,
    )
    return _saved(SegformerForSemanticSegmentation, config, folder, **options)


def eomt(folder, **options):
    """An EoMT of eight queries, for images of 64x64 alone."""
    from transformers import EomtConfig, EomtForUniversalSegmentation

    config = EomtConfig(
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_blocks=1,
        num_queries=8,
        image_size=64,
        patch_size=16,
        num_upscale_blocks=1,
        num_register_tokens=1,
        id2label=NAMES,
    )
    return _saved(EomtForUniversalSegmentation, config, folder, **options)


def _saved(kind, config, folder, size=None):
    torch.manual_seed(3)
    model = kind(config).eval()
    for parameter in model.parameters():  # initial weights are so small that all scores are alike
        if parameter.ndim > 1:
            parameter.data.normal_(0, (2 / parameter[0].numel()) ** 0.5)
    if hasattr(model, "attn_mask_probs"):
        model.attn_mask_probs.zero_()  # as at the end of its training
    model.save_pretrained(folder)
    scaling = SCALING | ({"size": {"width": size[0], "height": size[1]}} if size else {})
    (folder / "preprocessor_config.json").write_text(json.dumps(scaling))
    return model


def backbone(kind, folder):
    """A backbone as its folder holds it, in a model with another head or none; return the name of its network.

    Args:
        kind: mit, swin, dinov2 or resnet.
        folder: the folder to write.
    """
    import transformers as library

    four = {"depths": [1] * 4}
    configs = {
        "mit": (
            library.SegformerConfig,
            {"hidden_sizes": [8] * 4, "num_attention_heads": [1] * 4, "sr_ratios": [2, 2, 1, 1], **four},
        ),
        "swin": (
            library.SwinConfig,
            {"embed_dim": 8, "num_heads": [1] * 4, "window_size": 4, "image_size": 64, **four},
        ),
        "dinov2": (
            library.Dinov2Config,
            {"hidden_size": 16, "num_hidden_layers": 4, "num_attention_heads": 2, "image_size": 56, "patch_size": 14},
        ),
        "resnet": (library.ResNetConfig, {"embedding_size": 8, "hidden_sizes": [8] * 4, "layer_type": "basic", **four}),
    }
    models = {
        "mit": library.SegformerForImageClassification,
        "swin": library.SwinForImageClassification,
        "dinov2": library.Dinov2Model,
        "resnet": library.ResNetForImageClassification,
    }
    config, values = configs[kind]
    torch.manual_seed(3)
    models[kind](config(**values)).save_pretrained(folder)
    return f"hf:{folder}"
