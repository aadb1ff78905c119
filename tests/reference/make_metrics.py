"""Writes metrics.json: corpus BLEU (tokenisers none and 13a) and chrF of small corpora as sacrebleu computes them.

    python3 -m venv venv && venv/bin/pip install sacrebleu==2.6.0
    venv/bin/python tests/reference/make_metrics.py
"""

import json
import pathlib
import random

import sacrebleu

REFERENCES = [
    "the teacher reads a new book at school today .",
    "minsu and yuna do not go to the small market that is near the river .",
    "did the friend who gave me an apple eat bread in the library yesterday ?",
    "three dogs will sleep under the big tree .",
    "i know this doctor .",
    "go .",
    "민수는 어제 도서관에서 새 책을 읽었습니다 .",
    "the the the the cat , \" well \" it 's 5 o'clock ; isn't it ?",
]


def noisy(sentence, generator, amount):
    """The sentence with words left out, doubled, exchanged and moved."""
    words = []
    for word in sentence.split():
        draw = generator.random()
        if draw < amount / 3:
            continue
        words += [word, word] if draw < amount * 2 / 3 else ["zebra"] if draw < amount else [word]
    if generator.random() < amount and len(words) > 1:
        first, second = generator.sample(range(len(words)), 2)
        words[first], words[second] = words[second], words[first]
    return " ".join(words)


def corpora():
    generator = random.Random(1)
    yield "perfect", REFERENCES, REFERENCES
    for amount in (0.1, 0.3, 0.6, 0.9):
        references = REFERENCES * 5
        yield f"noise_{amount}", [noisy(r, generator, amount) for r in references], references
    yield "too_short", [" ".join(r.split()[:-2]) for r in REFERENCES], REFERENCES
    yield "too_long", [r + " " + r for r in REFERENCES], REFERENCES
    yield "one_empty", ["", *REFERENCES[1:]], REFERENCES
    yield "all_empty", ["", ""], REFERENCES[:2]
    yield "nothing_right", ["w x y z", "v u"], ["a b c d e", "f g"]
    yield "no_fourgram_right", ["a b c x d e f y g"], ["a b c d e f g h i"]
    yield "no_trigram_right", ["a b x c d y e f z"], ["a b c d e f g h i"]
    yield "only_unigrams_right", ["i h g f e d c b a"], ["a b c d e f g h i"]
    yield "no_fourgrams", ["a b c", "d e"], ["a b c", "d e"]
    yield "repeated_word", ["the the the the the the the"], ["the cat is on the mat today"]
    yield "short_reference", ["abcdefgh ijk"], ["ab"]
    yield "short_hypothesis", ["ab c"], ["abcdefgh ijk"]
    yield "mixed_lengths", ["abcdefgh", "xy"], ["ab", "xyzabcdefg"]
    yield "single_character", ["a", "나"], ["a", "너"]
    texts = [
        "Prices rose 3.5%, i.e. 1,234.50-1,300 dollars (approx.)!",
        'He said: "it\'s the 2nd well-known co-op," didn\'t he?',
        "&quot;A &amp; B&quot; &lt;skip&gt; <skipped>x@y.org/~me #1 [a_b] {c} 5-6 a-5 5- ...,, ..5.,6",
        "서울은 3.5,6도이고 “값”은 ₩1,000이다.",
    ]
    changed = [
        "Prices rose 3.6%, i.e. 1,234.50-1,301 dollars (approx)!",
        'He said: "it is the 2nd well-known co-op", did he?',
        "&quot;A &amp; C&quot; &lt;skip&gt; x@y.org/~me #2 [a_b] {c} 5-6 a-6 5- ..,, ..5.,6",
        "서울은 3.5,6도이며 “값”은 ₩1,000이다.",
    ]
    yield "punctuation", changed, texts
    yield "punctuation_alone", texts, texts


def main():
    bleu = sacrebleu.metrics.BLEU(tokenize="none")
    bleu_13a = sacrebleu.metrics.BLEU(tokenize="13a")
    chrf = sacrebleu.metrics.CHRF()
    cases = []
    for name, hypotheses, references in corpora():
        cases.append({
            "name": name,
            "hypotheses": hypotheses,
            "references": references,
            "bleu": bleu.corpus_score(hypotheses, [references]).score,
            "bleu_13a": bleu_13a.corpus_score(hypotheses, [references]).score,
            "words_13a": [bleu_13a.tokenizer(text).split() for text in hypotheses],
            "chrf": chrf.corpus_score(hypotheses, [references]).score,
        })
    result = {
        "bleu": str(bleu.get_signature()),
        "bleu_13a": str(bleu_13a.get_signature()),
        "chrf": str(chrf.get_signature()),
        "cases": cases,
    }
    path = pathlib.Path(__file__).with_name("metrics.json")
    path.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
