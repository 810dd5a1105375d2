#!/usr/bin/env python3
"""Writes the training text, taken from Debian packages, as lines of JSON: kind, title, split, text.

    apt-get install --no-install-recommends r-cran-janeaustenr bible-kjv jargon-text dict-devil libpython3.11-stdlib
    python3 corpus.py --out FOLDER          # FOLDER/corpus.jsonl

    novels      Jane Austen, six novels        public domain        r-cran-janeaustenr, a document a chapter
    scripture   King James Version             public domain        bible-kjv, a document a chapter
    code        Python's standard library      PSF licence          libpython3.11-stdlib, a document a file
    manual      Python's reference, by topic   PSF licence          libpython3.11-stdlib, a document a topic
    entries     The Jargon File                public domain        jargon-text, a document a run of entries
                The Devil's Dictionary         public domain        dict-devil, likewise

Held out: one novel, five books of scripture, and every twentieth document of the other kinds by a hash of its title.
"""

import argparse
import gzip
import hashlib
import importlib.util
import json
import re
import subprocess
from pathlib import Path

NOVELS = {
    "sensesensibility": "Sense and Sensibility",
    "prideprejudice": "Pride and Prejudice",
    "mansfieldpark": "Mansfield Park",
    "emma": "Emma",
    "northangerabbey": "Northanger Abbey",
    "persuasion": "Persuasion",
}
HELD_OUT_NOVEL = "Northanger Abbey"
HELD_OUT_BOOKS = {"Ruth", "Jonah", "Mark", "Phi", "Jas"}
STDLIB = Path("/usr/lib/python3.11")
LEFT_OUT = (
    "encodings/",
    "lib2to3/",
    "idlelib/",
    "test/",
    "pydoc_data/",
    "html/entities",
    "_sysconfigdata",
    "config-",
    "turtle",
    "this.py",
    "antigravity.py",
    "dist-packages/",
    "distutils/tests",
    "unittest/test",
)
JARGON = Path("/usr/share/doc/jargon-text/jargon.txt.gz")
DEVIL = Path("/usr/share/dictd/devil.dict.dz")


def held_out(title):
    return hashlib.sha256(title.encode()).digest()[0] % 20 == 0


def unwrapped(text):
    """Paragraphs on a line each; what is indented (verse, letters' heads) keeps its lines."""
    out = []
    for block in re.split(r"\n\s*\n", text.replace("\r", "")):
        lines = block.strip("\n").split("\n")
        if any(line.startswith("   ") for line in lines):
            out.append("\n".join(line.rstrip() for line in lines))
        else:
            out.append(re.sub(r" +", " ", " ".join(line.strip() for line in lines)))
    return "\n\n".join(p for p in out if p.strip())


def novels():
    for name, title in NOVELS.items():
        text = subprocess.run(
            ["Rscript", "-e", f"writeLines(janeaustenr::{name})"], check=True, capture_output=True, text=True
        ).stdout
        chapters = re.split(r"(?im)^ *(?=chapter [ivxlc\d]+ *$)", text)[1:]
        for chapter in chapters:
            head, _, body = chapter.partition("\n")
            body = re.sub(r"(?m)^ *(VOLUME [IVX]+|THE END|FINIS|Finis) *$", "", body)
            body = body.split("*Note:")[0] if title == HELD_OUT_NOVEL else body
            yield "novels", f"{title}, {head.strip().lower()}", title == HELD_OUT_NOVEL, unwrapped(body)


def scripture():
    text = subprocess.run(["bible", "-f", "Gen1:1-Rev22:21"], check=True, capture_output=True, text=True).stdout
    chapters = {}
    for line in text.splitlines():
        match = re.match(r"(\w+?)(\d+):(\d+) (.*)$", line)
        if match:
            book, chapter, verse, words = match.groups()
            chapters.setdefault((book, int(chapter)), []).append(f"{verse} {words.strip()}")
    for (book, chapter), verses in chapters.items():
        yield "scripture", f"{book} {chapter}", book in HELD_OUT_BOOKS, "\n".join(verses)


def code():
    for path in sorted(STDLIB.rglob("*.py")):
        name = str(path.relative_to(STDLIB))
        if any(part in name for part in LEFT_OUT) or path.is_symlink():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        if len(text) > 200 and text.isascii():
            yield "code", name, held_out(name), text


def manual():
    spec = importlib.util.spec_from_file_location("topics", STDLIB / "pydoc_data/topics.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, text in module.topics.items():
        text = re.sub(r"(?m)^(.+)\n([*=~-])\2{3,}$", r"\n\1\n", text)  # headings without their underlines
        yield "manual", name, held_out(name), unwrapped(text).strip()


def entries():
    """Runs of entries of about 4 000 characters: single ones are too short for a document."""
    devil = gzip.decompress(DEVIL.read_bytes()).decode("latin-1")
    devil = devil[devil.index("ABASEMENT, n.") :]
    jargon = gzip.decompress(JARGON.read_bytes()).decode("utf-8").replace("\u00a0", " ")
    jargon = re.sub(r"(?m)^   ", "", jargon[jargon.index("   :0:") :])
    for title, text in (("The Devil's Dictionary", devil), ("The Jargon File", jargon)):
        blocks, size, count = [], 0, 0
        for block in unwrapped(text).split("\n\n"):
            blocks.append(block)
            size += len(block)
            if size > 4000:
                count += 1
                name = f"{title}, part {count}"
                yield "entries", name, held_out(name), "\n\n".join(blocks)
                blocks, size = [], 0


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--out", required=True, type=Path)
    out = arguments.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    sizes = {}
    with open(out / "corpus.jsonl", "w", encoding="utf-8") as file:
        for source in (novels, scripture, code, manual, entries):
            for kind, title, held, text in source():
                split = "held_out" if held else "train"
                json.dump({"kind": kind, "title": title, "split": split, "text": text}, file, ensure_ascii=False)
                file.write("\n")
                documents, characters = sizes.get((kind, split), (0, 0))
                sizes[kind, split] = documents + 1, characters + len(text)
    for (kind, split), (documents, characters) in sizes.items():
        print(f"{kind:10} {split:9} {documents:5} documents {characters:9} characters")


if __name__ == "__main__":
    main()
