"""What the tensors and keys of Qwen3.5 / Qwen3-Next checkpoints are called in GGUF, and how their values change.

- Norm weights are stored as 1 + w, except that of linear_attn.norm; A_log as -exp(A_log).
- qwen35 and qwen35moe: V heads, which a checkpoint groups by their K head g (head g*r + j), are stored in tiles
  (head j*k_heads + g). qwen3next keeps the order, and reads V head h with K head h / r.
- The MTP block is the last block of the file.
"""

import numpy as np

from checkpoint import Problem
from gguf_file import Tensor

ARCHITECTURES = {
    "qwen3_5": "qwen35",
    "qwen3_5_text": "qwen35",
    "qwen3_5_moe": "qwen35moe",
    "qwen3_5_moe_text": "qwen35moe",
    "qwen3_next": "qwen3next",
}
VISION = ("model.visual.", "visual.", "model.vision_tower.")


class Family:
    def __init__(self, config, tensors, mtp, fused_input=False):
        self.config, self.tensors, self.mtp, self.fused_input = config, tensors, mtp, fused_input
        if config.model_type not in ARCHITECTURES:
            raise Problem(f"{config.path}: model_type '{config.model_type}' is not one of {', '.join(ARCHITECTURES)}")
        self.architecture = ARCHITECTURES[config.model_type]
        if fused_input and self.architecture != "qwen3next":
            raise Problem("only qwen3next has ssm_in, the older form of attn_qkv and attn_gate")
        self.moe, self.tiled = self.architecture != "qwen35", self.architecture != "qwen3next"
        self.width, self.layers, self.vocab = config["hidden_size"], config["num_hidden_layers"], config["vocab_size"]
        self.heads, self.kv_heads = config["num_attention_heads"], config["num_key_value_heads"]
        self.head_dim = config.get("head_dim") or self.width // self.heads
        self.k_heads, self.v_heads = config["linear_num_key_heads"], config["linear_num_value_heads"]
        self.state, self.conv = config["linear_key_head_dim"], config["linear_conv_kernel_dim"]
        if config["linear_value_head_dim"] != self.state:
            raise Problem(
                f"{config.path}: linear_key_head_dim {self.state} and linear_value_head_dim"
                f" {config['linear_value_head_dim']} differ; GGUF has one ssm.state_size"
            )
        if self.v_heads % self.k_heads:
            raise Problem(f"{config.path}: {self.v_heads} V heads are not a multiple of {self.k_heads} K heads")
        for key, wanted in (
            ("decoder_sparse_step", 1),
            ("mlp_only_layers", []),
            ("norm_topk_prob", True),
            ("attention_bias", False),
        ):
            if config.get(key, wanted) != wanted:
                raise Problem(f"{config.path}: {key} {config.get(key)} is not supported; {wanted} is")
        self.keys, self.values = self.state * self.k_heads, self.state * self.v_heads
        self.recurrent = self._recurrent_layers()
        self.prefix = next(
            (
                p
                for p in ("model.language_model.", "language_model.model.", "model.")
                if f"{p}embed_tokens.weight" in tensors
            ),
            None,
        )
        if self.prefix is None:
            raise Problem(
                "tensor 'model.embed_tokens.weight' (or 'model.language_model.embed_tokens.weight') is missing"
            )
        self.mtp_blocks = 0 if mtp == "none" else self._mtp_blocks()

    def _recurrent_layers(self):
        listed = self.config.get("layer_types")
        if listed is None:
            interval = self.config.get("full_attention_interval", 4)
            return [bool((i + 1) % interval) for i in range(self.layers)]
        kinds = {"linear_attention": True, "full_attention": False}
        if len(listed) != self.layers or not set(listed) <= set(kinds):
            raise Problem(
                f"{self.config.path}: layer_types: {self.layers} of 'linear_attention' or 'full_attention' are expected"
            )
        return [kinds[kind] for kind in listed]

    def _mtp_blocks(self):
        if "mtp.fc.weight" not in self.tensors:
            raise Problem("the folder has no MTP block (tensor 'mtp.fc.weight' is missing): convert it with --mtp none")
        blocks = {name.split(".")[2] for name in self.tensors.where if name.startswith("mtp.layers.")}
        if blocks != {"0"}:
            raise Problem(f"{len(blocks)} MTP blocks; one is supported")
        return 1

    # -- keys

    def metadata(self):
        c, a = self.config, self.architecture
        rope = c.get("rope_parameters", {}) | (c.get("rope_scaling") or {})
        turned = int(self.head_dim * rope.get("partial_rotary_factor", c.get("partial_rotary_factor", 0.25)))
        out = {
            "block_count": self.layers + self.mtp_blocks,
            "context_length": c["max_position_embeddings"],
            "embedding_length": self.width,
            "attention.head_count": self.heads,
            "attention.head_count_kv": self.kv_heads,
            "attention.key_length": self.head_dim,
            "attention.value_length": self.head_dim,
            "attention.layer_norm_rms_epsilon": float(c["rms_norm_eps"]),
            "rope.freq_base": float(rope.get("rope_theta") or c["rope_theta"]),
            "rope.dimension_count": turned,
            "ssm.conv_kernel": self.conv,
            "ssm.state_size": self.state,
            "ssm.group_count": self.k_heads,
            "ssm.time_step_rank": self.v_heads,
            "ssm.inner_size": self.values,
        }
        if self.mtp_blocks:
            out["nextn_predict_layers"] = self.mtp_blocks
        if self.tiled:
            out["rope.dimension_sections"] = ([int(n) for n in rope.get("mrope_section", [11, 11, 10])] + [0])[:4]
        if self.moe:
            out |= {
                "expert_count": c["num_experts"],
                "expert_used_count": c["num_experts_per_tok"],
                "expert_feed_forward_length": c["moe_intermediate_size"],
                "expert_shared_feed_forward_length": c["shared_expert_intermediate_size"],
            }
        if not self.moe or c.get("intermediate_size"):
            out["feed_forward_length"] = c["intermediate_size"]
        fits = (
            n for n in range(1, self.layers + 2) if self.recurrent == [bool((i + 1) % n) for i in range(self.layers)]
        )
        interval = next(fits, None)
        if interval:
            out["full_attention_interval"] = interval
        else:
            out["attention.recurrent_layers"] = self.recurrent + [False] * self.mtp_blocks
        return {f"{a}.{key}": value for key, value in out.items()}

    # -- tensors

    def tensors_of_file(self):
        """Those of the trunk, of the MTP block, or of both; embedding, final norm and head are in either."""
        w, p = self.width, self.prefix
        out = [
            self._plain("token_embd.weight", f"{p}embed_tokens.weight", self.vocab, w),
            self._norm("output_norm.weight", f"{p}norm.weight", w),
        ]
        if "lm_head.weight" in self.tensors and not self.config.tied:
            out.append(self._plain("output.weight", "lm_head.weight", self.vocab, w))
        elif not self.config.tied:
            raise Problem("tensor 'lm_head.weight' is missing, and config.json does not say tie_word_embeddings")
        if self.mtp != "only":
            for i, recurrent in enumerate(self.recurrent):
                out += self._block(f"{p}layers.{i}.", f"blk.{i}.", recurrent)
        if self.mtp_blocks:
            out += self._mtp(f"blk.{self.layers}.")
        self._complain_about_the_rest()
        return out

    def _complain_about_the_rest(self):
        expected = (
            VISION
            + (("mtp.",) if self.mtp == "none" else ())
            + ((f"{self.prefix}layers.",) if self.mtp == "only" else ())
        )
        expected += ("lm_head.weight",) if self.config.tied else ()
        rest = [name for name in self.tensors.unused() if not name.startswith(expected)]
        if rest:
            raise Problem(f"{len(rest)} tensors have no place in {self.architecture}: {', '.join(rest[:4])}")

    def _block(self, source, target, recurrent):
        norms = [
            self._norm(f"{target}attn_norm.weight", f"{source}input_layernorm.weight", self.width),
            self._norm(f"{target}post_attention_norm.weight", f"{source}post_attention_layernorm.weight", self.width),
        ]
        mixer = (
            self._delta_net(f"{source}linear_attn.", target)
            if recurrent
            else self._attention(f"{source}self_attn.", target)
        )
        return norms + mixer + (self._experts if self.moe else self._feed_forward)(f"{source}mlp.", target)

    def _attention(self, source, target):
        d, w = self.head_dim, self.width
        return [
            self._plain(f"{target}attn_q.weight", f"{source}q_proj.weight", 2 * d * self.heads, w),
            self._plain(f"{target}attn_k.weight", f"{source}k_proj.weight", d * self.kv_heads, w),
            self._plain(f"{target}attn_v.weight", f"{source}v_proj.weight", d * self.kv_heads, w),
            self._norm(f"{target}attn_q_norm.weight", f"{source}q_norm.weight", d),
            self._norm(f"{target}attn_k_norm.weight", f"{source}k_norm.weight", d),
            self._plain(f"{target}attn_output.weight", f"{source}o_proj.weight", w, d * self.heads),
        ]

    def _delta_net(self, source, target):
        hk, hv, w, n = self.keys, self.values, self.width, self.v_heads
        conv = 2 * hk + hv
        joint = f"{source}in_proj_qkvz.weight" in self.tensors
        if self.tiled and joint:
            raise Problem(
                f"tensor '{source}in_proj_qkvz.weight' is of Qwen3-Next;"
                f" {self.architecture} has in_proj_qkv and in_proj_z"
            )
        v_channels = lambda x: np.concatenate([x[: 2 * hk], self._tiles(x[2 * hk :], 0)])
        if self.fused_input:
            out = [self._plain(f"{target}ssm_in.weight", f"{source}in_proj_qkvz.weight", conv + hv, w)]
        elif joint:
            read = self.tensors.need(f"{source}in_proj_qkvz.weight", conv + hv, w)
            out = [
                Tensor(f"{target}attn_qkv.weight", (conv, w), lambda: np.concatenate(self._parted(read())[:3])),
                Tensor(f"{target}attn_gate.weight", (hv, w), lambda: self._parted(read())[3]),
            ]
        else:
            out = [
                self._changed(f"{target}attn_qkv.weight", f"{source}in_proj_qkv.weight", v_channels, conv, w),
                self._changed(
                    f"{target}attn_gate.weight", f"{source}in_proj_z.weight", lambda x: self._tiles(x, 0), hv, w
                ),
            ]
        if self.tiled:
            out += [
                self._changed(
                    f"{target}ssm_{ours}.weight", f"{source}in_proj_{theirs}.weight", lambda x: self._tiles(x, 0), n, w
                )
                for ours, theirs in (("alpha", "a"), ("beta", "b"))
            ]
        else:
            out.append(self._plain(f"{target}ssm_ba.weight", f"{source}in_proj_ba.weight", 2 * n, w))
        out += [
            self._changed(f"{target}ssm_dt.bias", f"{source}dt_bias", lambda x: self._tiles(x, 0), n),
            self._changed(f"{target}ssm_a", f"{source}A_log", lambda x: self._tiles(-np.exp(x), 0), n),
            self._plain(f"{target}ssm_norm.weight", f"{source}norm.weight", self.state),
            self._changed(f"{target}ssm_out.weight", f"{source}out_proj.weight", lambda x: self._tiles(x, 1), w, hv),
        ]
        taps = self.tensors.need(f"{source}conv1d.weight", conv, 1, self.conv)
        return out + [Tensor(f"{target}ssm_conv1d.weight", (conv, self.conv), lambda: v_channels(taps()[:, 0]))]

    def _tiles(self, x, axis):
        """V heads of the axis, grouped by K head, put in tiles."""
        if not self.tiled:
            return x
        each = x.shape[axis] // self.v_heads
        shape = x.shape[:axis] + (self.k_heads, self.v_heads // self.k_heads, each) + x.shape[axis + 1 :]
        return x.reshape(shape).swapaxes(axis, axis + 1).reshape(x.shape)

    def _parted(self, x):
        """Rows q, k, v, z of in_proj_qkvz, in which each K head has its own q | k | v's | z's."""
        s, each = self.state, self.values // self.k_heads
        parts = np.split(x.reshape(self.k_heads, -1, self.width), [s, 2 * s, 2 * s + each], axis=1)
        return [part.reshape(-1, self.width) for part in parts]

    def _feed_forward(self, source, target, ff=None, suffix=""):
        f, w = ff or self.config["intermediate_size"], self.width
        return [
            self._plain(f"{target}ffn_gate{suffix}.weight", f"{source}gate_proj.weight", f, w),
            self._plain(f"{target}ffn_up{suffix}.weight", f"{source}up_proj.weight", f, w),
            self._plain(f"{target}ffn_down{suffix}.weight", f"{source}down_proj.weight", w, f),
        ]

    def _experts(self, source, target):
        c, w = self.config, self.width
        n, f = c["num_experts"], c["moe_intermediate_size"]
        out = [
            self._plain(f"{target}ffn_gate_inp.weight", f"{source}gate.weight", n, w),
            self._changed(
                f"{target}ffn_gate_inp_shexp.weight", f"{source}shared_expert_gate.weight", lambda x: x[0], 1, w
            ),
        ]
        if f"{source}experts.gate_up_proj" in self.tensors:  # all experts in one tensor
            both = self.tensors.need(f"{source}experts.gate_up_proj", n, 2 * f, w)
            out += [
                Tensor(f"{target}ffn_gate_exps.weight", (n, f, w), lambda: both()[:, :f]),
                Tensor(f"{target}ffn_up_exps.weight", (n, f, w), lambda: both()[:, f:]),
                self._plain(f"{target}ffn_down_exps.weight", f"{source}experts.down_proj", n, w, f),
            ]
        else:
            for ours, theirs, shape in (
                ("gate", "gate_proj", (f, w)),
                ("up", "up_proj", (f, w)),
                ("down", "down_proj", (w, f)),
            ):
                reads = [self.tensors.need(f"{source}experts.{i}.{theirs}.weight", *shape) for i in range(n)]
                out.append(
                    Tensor(
                        f"{target}ffn_{ours}_exps.weight",
                        (n, *shape),
                        lambda reads=reads: np.stack([read() for read in reads]),
                    )
                )
        return out + self._feed_forward(
            f"{source}shared_expert.", target, c["shared_expert_intermediate_size"], "_shexp"
        )

    def _mtp(self, target):
        w, n = self.width, f"{target}nextn."
        out = [
            self._plain(f"{n}eh_proj.weight", "mtp.fc.weight", w, 2 * w),
            self._norm(f"{n}enorm.weight", "mtp.pre_fc_norm_embedding.weight", w),
            self._norm(f"{n}hnorm.weight", "mtp.pre_fc_norm_hidden.weight", w),
        ]
        if "mtp.norm.weight" in self.tensors:
            out.append(self._norm(f"{n}shared_head_norm.weight", "mtp.norm.weight", w))
        for ours, theirs in (("embed_tokens", "mtp.embed_tokens.weight"), ("shared_head_head", "mtp.lm_head.weight")):
            if theirs in self.tensors:
                out.append(self._plain(f"{n}{ours}.weight", theirs, self.vocab, w))
        return self._block("mtp.layers.0.", target, recurrent=False) + out

    def _plain(self, target, source, *shape):
        return Tensor(target, shape, self.tensors.need(source, *shape))

    def _norm(self, target, source, width):
        return self._changed(target, source, lambda x: x + 1, width)

    def _changed(self, target, source, change, *shape):
        read = self.tensors.need(source, *shape)
        return Tensor(target, shape[1:] if shape[0] == 1 and len(shape) == 2 else shape, lambda: change(read()))
