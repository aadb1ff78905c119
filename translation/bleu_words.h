#pragma once

#include <array>
#include <string>
#include <vector>

#include "qkv/autograd/named.h"
#include "qkv/datasets/text.h"

namespace qkv {

/// What BLEU counts as the words of a sentence.
enum class BleuWords {
  as_given,    ///< the sentence's own words: `sacrebleu --tokenize none`
  mteval_13a,  ///< punctuation and symbols by themselves, as WMT's mteval-v13a: `sacrebleu --tokenize 13a`
};
constexpr std::array<Named<BleuWords>, 2> names_of(BleuWords) {
  return {{{BleuWords::as_given, "none"}, {BleuWords::mteval_13a, "13a"}}};
}

/// The words of a text as mteval-v13a cuts them: each ASCII punctuation mark or symbol is a word, but for apostrophes,
/// hyphens that follow no digit, and full stops and commas between two digits. `&quot;`, `&amp;`, `&lt;` and `&gt;` are
/// what they stand for; `<skipped>` is left out.
Sentence mteval_13a(std::string text);

/// The sentences, joined by spaces and cut anew.
std::vector<Sentence> in_bleu_words(const std::vector<Sentence>& sentences, BleuWords words);

/// What sacreBLEU 2.6.0 prints beside a BLEU that it computes from such words, and beside a chrF.
std::string bleu_signature(BleuWords words);
std::string chrf_signature();

}  // namespace qkv
