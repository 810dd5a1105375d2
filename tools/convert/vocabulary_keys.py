"""tokenizer.json (byte-level BPE) as the tokenizer.* keys of GGUF."""

from checkpoint import Problem, read_json

NORMAL, CONTROL, USER, UNUSED = 1, 3, 4, 5
ENDS = ("<|im_end|>", "<|endoftext|>")


def splitting_rules(path, value):
    """The family's two pre-tokenizers differ in whether combining marks belong to letters."""
    text = str(value)
    if r"\p{N}+" in text or r"\p{N}{1," in text or r"\p{L}" not in text:
        raise Problem(f"{path}: the pre-tokenizer is not that of the qwen2 or qwen35 family: {text[:160]}")
    return "qwen35" if r"\p{M}" in text else "qwen2"


def settings_beside(path):
    """tokenizer_config.json, and the chat template where it has a file of its own."""
    file, template = path.parent / "tokenizer_config.json", path.parent / "chat_template.jinja"
    settings = read_json(file) if file.exists() else {}
    return settings | ({"chat_template": template.read_text(encoding="utf-8")} if template.exists() else {})


class Vocabulary:
    """`rows` of the embedding: those without a token become unused tokens."""

    def __init__(self, path, rows, settings=None):
        whole, self.settings = read_json(path), settings_beside(path) if settings is None else settings
        model = whole.get("model", {})
        if model.get("type") != "BPE":
            raise Problem(f"{path}: a model of type BPE is expected, found {model.get('type')}")
        for key in ("vocab", "merges"):
            if not model.get(key):
                raise Problem(f"{path}: its BPE model has no {key}; take the tokenizer.json that came with the model")
        self.rules = splitting_rules(path, whole.get("pre_tokenizer"))
        self.tokens, self.types = [None] * rows, [UNUSED] * rows
        for token, i in model["vocab"].items():
            self._put(path, i, token, NORMAL)
        for added in whole.get("added_tokens", []):
            self._put(path, added["id"], added["content"], CONTROL if added["special"] else USER)
        self.tokens = [f"[PAD{i}]" if token is None else token for i, token in enumerate(self.tokens)]
        self.merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in model["merges"]]
        self.ids = {token: i for i, token in enumerate(self.tokens)}
        self.template, self.padding = self.settings.get("chat_template"), self._named("pad_token")
        self.end = self._named("eos_token")
        if self.end is None:
            self.end = next((self.ids[token] for token in ENDS if token in self.ids), None)
        if self.end is None:
            raise Problem(f"{path} has neither the eos_token of tokenizer_config.json nor {' or '.join(ENDS)}")

    def _put(self, path, i, token, kind):
        if i >= len(self.tokens):
            raise Problem(f"{path}: token {i} {token!r}, but the embedding has {len(self.tokens)} rows")
        self.tokens[i], self.types[i] = token, kind

    def _named(self, key):
        token = self.settings.get(key)
        return self.ids.get(token["content"] if isinstance(token, dict) else token)

    def add_to(self, writer):
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre(self.rules)
        writer.add_token_list(self.tokens)
        writer.add_token_types(self.types)
        writer.add_token_merges(self.merges)
        writer.add_eos_token_id(self.end)
        if self.padding is not None:
            writer.add_pad_token_id(self.padding)
        writer.add_add_bos_token(False)
        if self.template:
            writer.add_chat_template(self.template)
