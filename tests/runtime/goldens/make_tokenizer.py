#!/usr/bin/env python3
"""Makes the golden files of the tokenizer tests with the `tokenizers` package (PyPI).

    python3 -m venv venv && venv/bin/pip install tokenizers==0.23.3
    venv/bin/python make_tokenizer.py merges    # trains the vocabulary: tokenizer_merges.txt
    venv/bin/python make_tokenizer.py encode    # encodes the texts with it: tokenizer_texts.json

The committed files were made with tokenizers 0.23.3 under Python 3.11.7. The vocabulary is trained on the texts below,
which were written for this, and on Python's own documentation (pydoc_data/topics.py, PSF licence).

Numbers of tokens: 0..255 the bytes, 256 + i what merge i makes, then SPECIAL in its order.
"""

import json
import random
import sys
from pathlib import Path

import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

HERE = Path(__file__).parent
MERGES, TEXTS = HERE / "tokenizer_merges.txt", HERE / "tokenizer_texts.json"
MERGE_COUNT = 3000
# (text, control): the last two show that the longest wins
SPECIAL = [("<|endoftext|>", True), ("<|im_start|>", True), ("<|im_end|>", True), ("<think>", False), ("</think>", False),
           ("<|x|>", True), ("<|x|>y", True)]

TAIL = r"""|\s*[\r\n]+|\s+(?!\S)|\s+"""
RULES = {
    "qwen2": r"""(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*""" + TAIL,
    "qwen35": r"""(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*""" + TAIL,
}

PROSE = [
    "The state of a recurrent layer cannot be cut short like a cache, so it has to be kept while it is still known.",
    "Le café de l'été où l'on a mangé des crêpes brûlées était fermé à Noël ; quel dommage, ma chère Zoë !",
    "Größere Straßenbahnen fahren täglich über die Brücke, müde Gäste schlafen längst.",
    "¿Qué hora es? El niño comió piñas en la montaña y ¡vaya! se durmió.",
    "Zażółć gęślą jaźń, powiedział żółw; příliš žluťoučký kůň pěl; árvíztűrő tükörfúrógép.",
    "Việt Nam có tiếng nói riêng, và người ta viết bằng chữ Quốc ngữ.",
    "Быстрая лиса прыгнула через ленивую собаку, а ёжик ушёл в лес. Її дім стоїть у місті Київ.",
    "Η γρήγορη αλεπού πηδά πάνω από το τεμπέλικο σκυλί· τι ώρα είναι; ἀρχὴ ἥμισυ παντός.",
    "الثعلب السريع يقفز فوق الكلب الكسول، ثم ينام تحت الشجرة. كِتَابٌ جَمِيلٌ ٠١٢٣٤٥٦٧٨٩",
    "השועל המהיר קופץ מעל הכלב העצלן, והוא ישן תחת העץ. שָׁלוֹם עוֹלָם",
    "तेज़ लोमड़ी आलसी कुत्ते के ऊपर कूदती है। हिन्दी में संयुक्ताक्षर क्ष त्र ज्ञ और अंक ०१२३४५ होते हैं।",
    "দ্রুত শিয়াল অলস কুকুরের উপর দিয়ে লাফ দেয়। விரைவான நரி சோம்பேறி நாயின் மீது தாவுகிறது.",
    "สุนัขจิ้งจอกสีน้ำตาลกระโดดข้ามสุนัขขี้เกียจ แล้วก็นอนหลับใต้ต้นไม้ ๑๒๓",
    "敏捷的狐狸跳过了懒狗，然后在树下睡着了。今天天气很好，我们去公园吧！「你好」",
    "すばやいキツネは怠け者の犬を飛び越えて、木の下で眠った。カタカナと漢字とひらがな。",
    "빠른 여우가 게으른 개를 뛰어넘고 나무 아래에서 잠들었다. 안녕하세요!",
    "სწრაფი მელა ხტება ზარმაც ძაღლზე. Արագ աղվեսը ցատկում է ծույլ շան վրայով: ፈጣን ቀበሮ ሰነፍ ውሻ ላይ ዘለለ።",
    "ខ្មែរ ភាសា ລາວ ພາສາ မြန်မာ ဘာသာ བོད་སྐད་ ᠮᠣᠩᠭᠣᠯ ᏣᎳᎩ ⵜⴰⵎⴰⵣⵉⵖⵜ",
]

TEXTS_BY_HAND = PROSE + [
    "", " ", "  ", "a", " a", "  a", "\n", "\r\n", "\t", "a\n", "\na", "a \n b", "x\u00a0y", "\u3000\u3000x", "a\u2028b\u2029c\u0085d",
    "I'm sure you've seen we'll go; they'd say it's John's, don't you're? I'M SURE YOU'VE SEEN WE'LL GO'S IT'S'S",
    "'s't're've'm'll'd 'S'T'RE'VE'M'LL'D '\u017f '\u017ft x'\u017f 'l 'r 'v 'rE 'Ve 'lL ''s ’s ’t o’clock rock 'n' roll 'sun 'very",
    "1 22 333 4444 12345678901234567890 3.14159 1,000,000 0x1F 1e-9 v2.0.1 ½ ⅓ Ⅷ ⅷ ² ₃ ① ⑳ 一二三 〇 ٣٤٥ ०१२ ๑๒ 𝟘𝟙 𝟏𝟐𝟑 ꧐꧑ ௧௨",
    "    if (x == 1) {\n        return a[i] += b->c::d<e>(f);\n    }\n\n\n    // done\n\t\tfor(;;){}\r\n\r\n#include <x>\r",
    "def f(x):\n    return {'a': [1, 2, *x], \"b\": lambda y: y ** 2}  # comment\n\n\nclass C:\n    pass\n",
    "!!! ??? ... --- === ### $$$ %%% &&& *** ((( ))) [[[ ]]] {{{ }}} <<< >>> ~~~ ``` \\\\\\ /// ||| ;;; ::: ,,,",
    "word   word    word\t\tword \t word\n\n\nword \n \n word\r\n\r\nword  \n  word \u00a0 word\u2003\u2003word\u200b\u200bword",
    "trailing   ", "trailing\n\n", "trailing \n ", "\n\n leading", "   \n\t  \n x", " \r \n \r\n ", "\x0b\x0c\x1c\x1d\x1e\x1f\x7f\x00\x01 \x85\xa0",
    "😀😃😄 👍🏽👩‍👩‍👧‍👦 🏳️‍🌈 🇩🇪🇫🇷 ☺️ ❤️‍🔥 1️⃣ #️⃣ 🧑🏿‍🚀 text😀text 😀 😀\n😀",
    "e\u0301 re\u0301sume\u0301 a\u0300\u0323 n\u0303 Vie\u0323\u0302t \u0301x \u0301\u0302\u0303 x \u0301 1\u0301 \n\u0301 !\u0301! \u0327\u0301y Z\u0337a\u0334l\u0335g\u0336o\u0337 a\u20dd",
    "क्\u200dष \u0915\u094d\u0937 ก็ กำ ส้ม \u0e49\u0e34 א\u05b7ב\u05b8 ע\u05bbי ح\u064eر\u064fف \u1100\u1161\u11a8 가\u11a8 \ufe0f \ufe0fx",
    "\ufeffBOM a\u00adb soft\u00adhyphen \u200e\u200f\u202a\u202c \u2060 \ufffd \ufffe \uffff \U0010ffff \ue000 \U000f0000 \u0378 \U000323b0",
    "ǅ ǈ ª º ʰ ː ˈ ˉ 々 〆 ゝ ヽ ー ﾞ ﾟ ㌀ ㎏ ﷺ ﬁ ﬅ ﬆ ŉ ß ẞ İ ı K Å Ω µ ℵ ℝ ™ © ® ° ± × ÷ ∑ ∫ √ ∞ ≠ ≤ → ⇒ ▁ █ ☃ ♥",
    "𐍈𐌰 𒀀𒁀 𓀀𓁀 𝒜𝓑𝕮 𠀀𠮷 𡃁 🀄 𞤀𞤁 𑀅𑀓 𑁦𑁧 𐤀𐤁 𐎀",
    "https://example.org/path?q=a+b&c=%20#frag user.name@example.co.uk C:\\dir\\file.txt /usr/lib/x86_64-linux-gnu/*.so.1",
    "camelCaseWord snake_case_word kebab-case-word SCREAMING_CASE PascalCase x1y2z3 a1 1a _a a_ __init__ don_t",
    "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n<think>\nhm\n</think>\n\nHello<|im_end|>\n<|endoftext|>",
    "<|im_start|> <|im_start|>x<|im_end|><|im_end|> a<|im_end|>b <|im_end| > <|im_|> <|x|> <|x|>y <|x|><|x|>yy <|x|<|x|> <<think>> < |",
    "  <|im_end|>  \n  <think>  x  </think>\t\n", "x <think>", "<think> x", "\u0301<|x|>\u0301", "a\u0301<|x|>'s<think>'s 1<think>1",
    "a" * 300, " " * 300, "ab" * 150, "\n" * 100, " \n" * 50, "!" * 100, "1" * 60, "\u0301" * 40, "的" * 60, "😀" * 30, "x " * 50, " \t" * 40 + "x",
]

# What the rules tell apart, each with several members, for texts at random.
ALPHABET = ["a", "b", "S", "t", "re", "ve", "ll", "d", "é", "ß", "ſ", "ж", "ا", "क", "中", "の", "한", "𝒜", "'", "'", "’", "\u0301", "\u094d",
            "\u0e49", "\u20dd", "\ufe0f", "1", "٣", "½", "Ⅷ", "𝟘", " ", " ", " ", "\u00a0", "\u3000", "\t", "\n", "\n", "\r", "\r\n", "\u2028",
            "\u0085", "\x0b", "\x1c", ".", "!", "-", "_", "$", "😀", "\u200d", "\u200b", "\x00", "<|im_end|>", "<think>", "<|x|>", "y"]


def byte_letters():
    own = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [b for b in range(256) if b not in own]
    return [chr(b) if b in own else chr(0x100 + others.index(b)) for b in range(256)]


def pre_tokenizer(rules):
    return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(RULES[rules]), "isolated"),
                                    pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def train():
    import pydoc_data.topics

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizer("qwen35")
    trainer = trainers.BpeTrainer(vocab_size=256 + MERGE_COUNT, initial_alphabet=byte_letters(), show_progress=False)
    texts = [*pydoc_data.topics.topics.values(), *(TEXTS_BY_HAND * 12)]
    tokenizer.train_from_iterator(texts, trainer)
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    MERGES.write_text("".join(f"{a} {b}\n" for a, b in merges), encoding="utf-8")


def load(rules, normalizer=None):
    merges = [tuple(line.split(" ")) for line in MERGES.read_text(encoding="utf-8").splitlines()]
    vocabulary = {token: i for i, token in enumerate([*byte_letters(), *(a + b for a, b in merges)])}
    assert len(vocabulary) == 256 + len(merges)
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizer(rules)
    tokenizer.decoder = decoders.ByteLevel()
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.add_tokens([AddedToken(text, special=control, normalized=False) for text, control in SPECIAL])
    assert tokenizer.token_to_id(SPECIAL[0][0]) == 256 + len(merges)
    return tokenizer


def pieces(rules, text):
    """Bytes of each piece of the text, special tokens taken as any other text."""
    split = pre_tokenizers.Split(Regex(RULES[rules]), "isolated")
    return [len(piece.encode()) for piece, _ in split.pre_tokenize_str(text)]


def encode():
    chance = random.Random(1)
    texts = TEXTS_BY_HAND + ["".join(chance.choices(ALPHABET, k=chance.randint(1, 24))) for _ in range(400)]
    by_rules = {rules: load(rules) for rules in RULES}
    composed = load("qwen35", normalizers.NFC())
    cases = []
    for text in texts:
        case = {"text": text}
        for rules, tokenizer in by_rules.items():
            case[rules] = tokenizer.encode(text).ids
            case[rules + " pieces"] = pieces(rules, text)
        case["nfc"] = composed.encode(text).ids
        for name, same in [("qwen2", "qwen35"), ("qwen2 pieces", "qwen35 pieces"), ("nfc", "qwen35")]:
            if case[name] == case[same]:
                del case[name]
        assert by_rules["qwen35"].decode(case["qwen35"], skip_special_tokens=False) == text, text
        cases.append(json.dumps(case, separators=(",", ":")))
    head = json.dumps({"tokenizers": tokenizers.__version__, "special": SPECIAL})[1:-1]
    TEXTS.write_text("{" + head + ',\n"cases": [\n' + ",\n".join(cases) + "\n]}\n")


if __name__ == "__main__":
    {"merges": train, "encode": encode}[sys.argv[1]]()
