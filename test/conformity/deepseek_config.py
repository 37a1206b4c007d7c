"""config.json of the planned models (the fields that argument resolution reads), and the module that would have loaded it."""

import json
import os
import sys
import types

import gpu_stubs

_QUANTIZATION = {
    "fp8": {
        "quant_method": "fp8",
        "fmt": "e4m3",
        "activation_scheme": "dynamic",
        "weight_block_size": [128, 128],
    },
    "awq": {"quant_method": "awq", "bits": 4, "group_size": 128, "version": "gemm", "zero_point": True},
    "w4afp8": {"quant_method": "w4afp8", "weight_block_size": [128, 128], "activation_scheme": "static"},
}


class Config(types.SimpleNamespace):
    def to_dict(self):
        return dict(vars(self))

    def get_text_config(self, *_, **__):
        return self


def config_of(architecture, quantization):
    """`architecture` is a key of the planner's own tables of architectures."""
    if architecture == "deepseek-v3":
        return deepseek_config(quantization)
    if architecture == "deepseek-v3.2":
        sparse = {"index_n_heads": 64, "index_head_dim": 128, "index_topk": 2048}
        names = {"architectures": ["DeepseekV32ForCausalLM"], "model_type": "deepseek_v32"}
        return Config(**{**vars(deepseek_config(quantization)), **names, **sparse})
    return dense_config(architecture)


_DENSE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../src/plan/data/dense-architectures.json")


def dense_config(architecture):
    with open(_DENSE, encoding="utf-8") as file:
        geometry = json.load(file)[architecture]
    llama = architecture.startswith("llama")
    return Config(
        architectures=["LlamaForCausalLM" if llama else "Qwen2ForCausalLM"],
        model_type="llama" if llama else "qwen2",
        torch_dtype="bfloat16",
        dtype="bfloat16",
        hidden_size=geometry["hiddenSize"],
        intermediate_size=geometry["intermediateSize"],
        num_hidden_layers=geometry["layers"],
        num_attention_heads=geometry["attentionHeads"],
        num_key_value_heads=geometry["kvHeads"],
        head_dim=geometry["headDimension"],
        vocab_size=geometry["vocabularySize"],
        max_position_embeddings=geometry["maxContextLength"],
        rope_theta=500000 if llama else 1000000,
        rope_scaling=None,
        tie_word_embeddings=False,
        is_encoder_decoder=False,
        name_or_path="",
    )


def deepseek_config(quantization):
    return Config(
        architectures=["DeepseekV3ForCausalLM"],
        model_type="deepseek_v3",
        torch_dtype="bfloat16",
        dtype="bfloat16",
        hidden_size=7168,
        intermediate_size=18432,
        moe_intermediate_size=2048,
        num_hidden_layers=61,
        num_nextn_predict_layers=1,
        num_attention_heads=128,
        num_key_value_heads=128,
        n_routed_experts=256,
        n_shared_experts=1,
        num_experts_per_tok=8,
        n_group=8,
        topk_group=4,
        first_k_dense_replace=3,
        moe_layer_freq=1,
        q_lora_rank=1536,
        kv_lora_rank=512,
        qk_nope_head_dim=128,
        qk_rope_head_dim=64,
        v_head_dim=128,
        vocab_size=129280,
        max_position_embeddings=163840,
        rope_theta=10000,
        rope_scaling={"type": "yarn", "factor": 40, "original_max_position_embeddings": 4096, "mscale_all_dim": 1.0},
        tie_word_embeddings=False,
        quantization_config=_QUANTIZATION[quantization],
        is_encoder_decoder=False,
        name_or_path="",
    )


def hf_transformers_stub(current):
    """Puts a module in place of sglang's loader of Hugging Face configs; `current()` is the config of the case."""
    fill = {
        "get_config": lambda *_, **__: current(),
        "get_context_length": lambda config: config.max_position_embeddings,
        "get_hf_text_config": lambda config: config,
        "get_generation_config": lambda *_, **__: None,
        "get_sparse_attention_config": lambda *_, **__: {},
        "resolve_hf_gguf_reference": lambda *_, **__: None,
        "check_gguf_file": lambda *_, **__: False,
        "POINTER_ADAPTER_BASES": {},
    }
    for name in ("", ".common", ".config", "_utils"):
        module = gpu_stubs.Stub(f"sglang.srt.utils.hf_transformers{name}")
        vars(module).update(fill)
        sys.modules[module.__name__] = module
