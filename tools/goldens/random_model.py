"""Small models of transformers' own classes with random weights, as folders that the converter reads.

transformers computes some steps in float32 whatever the model's type; here the names it uses for that mean float64.
"""

import contextlib
import json
import types

import torch
from safetensors.torch import save_file
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers.models.qwen3_5 import configuration_qwen3_5, modeling_qwen3_5
from transformers.models.qwen3_5_moe import configuration_qwen3_5_moe, modeling_qwen3_5_moe
from transformers.models.qwen3_next import configuration_qwen3_next, modeling_qwen3_next

MODELS = {
    "qwen35": (modeling_qwen3_5, "Qwen3_5", configuration_qwen3_5.Qwen3_5TextConfig),
    "qwen35moe": (modeling_qwen3_5_moe, "Qwen3_5Moe", configuration_qwen3_5_moe.Qwen3_5MoeTextConfig),
    "qwen3next": (modeling_qwen3_next, "Qwen3Next", configuration_qwen3_next.Qwen3NextConfig),
}
MERGES = [("t", "h"), ("i", "n"), ("th", "e"), ("Ġ", "the"), ("a", "n"), ("Ġ", "a")]
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
VOCABULARY = 272  # a few rows more than there are tokens, as real models have


@contextlib.contextmanager
def in_double(modeling):
    """Casts to float32 in that module become casts to float64."""
    stand_in = types.ModuleType("torch")
    stand_in.__dict__.update({k: v for k, v in torch.__dict__.items() if not k.startswith("__")})
    stand_in.float32 = stand_in.float = torch.float64
    plain, modeling.torch, to_float = modeling.torch, stand_in, torch.Tensor.float
    torch.Tensor.float = lambda self: self.double()
    try:
        yield
    finally:
        modeling.torch, torch.Tensor.float = plain, to_float


def make(architecture, seed, mtp_own=False, **shape):
    modeling, name, config_of = MODELS[architecture]
    rope = {"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.5}
    if architecture != "qwen3next":
        rope |= {"mrope_interleaved": True, "mrope_section": [3, 3, 2]}
    base = dict(
        vocab_size=VOCABULARY,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=32,
        linear_num_key_heads=2,
        linear_num_value_heads=4,
        linear_key_head_dim=16,
        linear_value_head_dim=16,
        max_position_embeddings=512,
        rope_parameters=rope,
    )
    if architecture != "qwen35":
        base |= dict(num_experts=6, num_experts_per_tok=2, moe_intermediate_size=16, shared_expert_intermediate_size=32)
    if architecture == "qwen35moe":
        base.pop("intermediate_size")
    config = config_of(**(base | shape))
    config._attn_implementation = "eager"
    config._experts_implementation = "eager"
    with in_double(modeling):
        model = getattr(modeling, f"{name}ForCausalLM")(config).double().eval()
    mtp = MtpBlock(modeling, name, config, mtp_own).double().eval()
    draw = torch.Generator().manual_seed(seed)
    for part in (model, mtp):
        for key, p in part.named_parameters():
            p.data = weights(key, p, draw).float().double()  # what a file of F32 holds
    return modeling, config, model, mtp


def weights(name, p, draw):
    normal = lambda scale: torch.randn(p.shape, generator=draw, dtype=torch.float64) * scale
    uniform = lambda a, b: torch.rand(p.shape, generator=draw, dtype=torch.float64) * (b - a) + a
    if name.endswith("A_log"):
        return uniform(0.5, 4).log()
    if name.endswith("dt_bias"):
        return uniform(-3, 1)
    if "norm" in name:
        return normal(0.2) + (1 if "linear_attn.norm" in name else 0)
    if "conv1d" in name:
        return uniform(-0.7, 0.7)
    if "embed_tokens" in name:
        return normal(0.5)
    return normal(p.shape[-1] ** -0.5)


class MtpBlock(torch.nn.Module):
    """The MTP head round transformers' own full-attention layer, with the names of the checkpoints.

    own: with an embedding and a head of its own, as some checkpoints have; else those of the trunk.
    """

    def __init__(self, modeling, name, config, own):
        super().__init__()
        of = lambda part: getattr(modeling, name + part)
        attention = config.layer_types.index("full_attention")
        norm = lambda: of("RMSNorm")(config.hidden_size, config.rms_norm_eps)
        self.modeling = modeling
        self.fc = torch.nn.Linear(2 * config.hidden_size, config.hidden_size, bias=False)
        self.pre_fc_norm_embedding, self.pre_fc_norm_hidden, self.norm = norm(), norm(), norm()
        self.layers = torch.nn.ModuleList([of("DecoderLayer")(config, attention)])
        if own:
            self.embed_tokens = torch.nn.Embedding(config.vocab_size, config.hidden_size)
            self.lm_head = torch.nn.Linear(config.hidden_size, config.vocab_size, bias=False)

    @torch.no_grad()
    def logits(self, model, tokens, hidden, positions=None):
        with in_double(self.modeling):
            before = torch.nn.functional.pad(hidden, (0, 0, 1, 0))[:, :-1]
            embedding = getattr(self, "embed_tokens", model.model.embed_tokens)
            head = getattr(self, "lm_head", model.lm_head)
            x = self.fc(torch.cat([self.pre_fc_norm_embedding(embedding(tokens)), self.pre_fc_norm_hidden(before)], -1))
            count = tokens.shape[1]
            mask = torch.full((count, count), -torch.inf, dtype=torch.float64).triu(1)[None, None]
            turns = model.model.rotary_emb(x, torch.arange(count)[None] if positions is None else positions)
            x = self.layers[0](x, position_embeddings=turns, attention_mask=mask)
            x = x[0] if isinstance(x, tuple) else x
            return head(self.norm(x))


@torch.no_grad()
def trunk(modeling, model, tokens, positions=None):
    """Hidden rows after the final norm, and logits, both [1, T, ...]."""
    with in_double(modeling):
        hidden = model.model(tokens, position_ids=positions, use_cache=False).last_hidden_state
        return hidden, model.lm_head(hidden)


def letters():
    own = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [b for b in range(256) if b not in own]
    return [chr(b) if b in own else chr(0x100 + others.index(b)) for b in range(256)]


def write_tokenizer(folder, marks):
    """Bytes, a few merges, control tokens. `marks`: combining marks belong to letters (qwen35), or not (qwen2)."""
    m = r"\p{M}" if marks else ""
    split = (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}" + m + r"]+|\p{N}| ?[^\s\p{L}" + m + r"\p{N}]+[\r\n]*"
        r"|\s*[\r\n]+|\s+(?!\S)|\s+"
    )
    vocabulary = {token: i for i, token in enumerate([*letters(), *(a + b for a, b in MERGES)])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=MERGES))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(split), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in SPECIAL])
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>", "chat_template": TEMPLATE}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))


def save(folder, config, model, mtp, wrapped=False):
    """As a checkpoint; `wrapped`: as the text half of a model that also sees."""
    folder.mkdir(parents=True)
    prefix = "model.language_model." if wrapped else "model."
    tensors = {
        name.replace("model.", prefix, 1): p for name, p in model.state_dict().items() if not name.startswith("lm_head")
    }
    tied = config.tie_word_embeddings
    if not tied:
        tensors["lm_head.weight"] = model.lm_head.weight
    tensors |= {f"mtp.{name}": p for name, p in mtp.state_dict().items()}
    if config.model_type == "qwen3_next":  # has a tensor for each expert
        tensors = dict(entry for item in tensors.items() for entry in single_experts(*item))
    if wrapped:
        tensors["model.visual.patch_embed.proj.weight"] = torch.zeros(4, 4)
    save_file(
        {name: p.detach().float().contiguous().clone() for name, p in tensors.items()}, folder / "model.safetensors"
    )
    values = json.loads(json.dumps(config.to_dict(), default=str))
    if wrapped:
        values = {
            "model_type": "qwen3_5",
            "architectures": ["Qwen3_5ForConditionalGeneration"],
            "text_config": values,
            "vision_config": {},
            "tie_word_embeddings": tied,
        }
    (folder / "config.json").write_text(json.dumps(values))
    write_tokenizer(folder, marks=config.model_type != "qwen3_next")


def single_experts(name, p):
    if name.endswith("experts.gate_up_proj"):
        half = p.shape[1] // 2
        for i, both in enumerate(p):
            yield name.replace("gate_up_proj", f"{i}.gate_proj.weight"), both[:half]
            yield name.replace("gate_up_proj", f"{i}.up_proj.weight"), both[half:]
    elif name.endswith("experts.down_proj"):
        for i, down in enumerate(p):
            yield name.replace("down_proj", f"{i}.down_proj.weight"), down
    else:
        yield name, p
